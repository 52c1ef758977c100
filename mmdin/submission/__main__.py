"""Check a job's configuration, then run it here or submit it to a cluster.

python -m mmdin.submission local|KIND JOB --conf FILE [--set ...]. All launchers come through here.
No JVM is started for a configuration that is not valid.
"""

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from mmdin.errors import INTERRUPTED, ClusterError, MmdinError
from mmdin.installation import IS_INSTALLED, PROJECT
from mmdin.options import add_options, expand_home, load_given, overrides
from mmdin.submission.cluster import KINDS, Cluster, read_cluster
from mmdin.submission.commands import (
    IMAGE,
    Application,
    Job,
    plan_applications,
    plan_local,
    require_archive,
    require_hadoop_configuration,
    require_host_name,
)
from mmdin.submission.running import run_applications
from mmdin.variants import plan_variants


def main(argv: Sequence[str]) -> int:
    """Submit the job's applications one after the other.

    Returns:
        The status of the first application that fails, or 0.
    """
    options = _parse(argv)
    try:
        applications = _plan(options)
        if options.dry_run:
            for application in applications:
                print(shlex.join(application.command))
            return 0
    except MmdinError as error:
        print(f"{options.kind}.sh: error: {error}", file=sys.stderr)
        return 2
    return run_applications(applications)


def _plan(options: argparse.Namespace) -> list[Application]:
    plan = plan_variants(load_given(options))
    job = Job(options.job, options.conf, plan.config, tuple(overrides(options)))
    if options.kind == "local":
        if not options.dry_run:
            require_host_name(job)
        return [plan_local(job, options.spark)]
    cluster = _read_cluster(options)
    applications = plan_applications(
        options.kind, cluster, job, options.environment, options.driver_java_options
    )
    if not options.dry_run:
        _check_machine(options.kind, cluster, options.environment)
    return applications


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    launcher = f"submit/{argv[0]}.sh" if argv else "python -m mmdin.submission KIND"
    launcher = "mmdin" if IS_INSTALLED else launcher
    usage = f"{launcher} JOB --conf FILE [--set KEY=VALUE ...]; {launcher} --help has more"
    parser = argparse.ArgumentParser(prog=launcher, usage=usage, description=__doc__)
    parser.add_argument("kind", choices=("local", *KINDS), help="local, or a kind of cluster")
    parser.add_argument("job", help="name of a file in spark_jobs/")
    add_options(parser)
    parser.add_argument("--dry-run", action="store_true", help="print the commands, run nothing")
    if argv[:1] == ["local"]:
        parser.add_argument("--spark", action="append", default=[], help=argparse.SUPPRESS)
    else:
        _add_cluster_options(parser)
    return parser.parse_args(argv)


def _add_cluster_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--cluster", type=expand_home, metavar="FILE", help="by default conf/cluster/KIND.yaml"
    )
    parser.add_argument("--master", metavar="URL", help="the cluster's URL, instead of the file's")
    parser.add_argument("--image", help="the image that pods run, instead of the file's")
    parser.add_argument(
        "--environment",
        type=expand_home,
        metavar="ARCHIVE",
        default=str(PROJECT / "build" / "environment.tar.gz"),
        help="what submit/package_env.sh packed, a path or URL",
    )
    parser.add_argument("--driver-java-options", default="", help=argparse.SUPPRESS)


def _read_cluster(options: argparse.Namespace) -> Cluster:
    path = options.cluster or str(PROJECT / "conf" / "cluster" / f"{options.kind}.yaml")
    cluster = read_cluster(path)
    changes: dict[str, object] = {"master": options.master} if options.master else {}
    if options.image:
        changes["spark"] = {**cluster.spark, IMAGE: options.image}
    return cluster.model_copy(update=changes)


def _check_machine(kind: str, cluster: Cluster, archive: str) -> None:
    if kind == "yarn":
        require_hadoop_configuration(os.environ)
    if cluster.project_dir:
        return
    require_archive(archive)
    check = [str(PROJECT / "submit" / "package_env.sh"), "--check", archive]
    if Path(f"{archive}.fingerprint").exists() and subprocess.run(check, check=False).returncode:
        raise ClusterError(
            f"{archive}: is older than the project or its packages: pack it again "
            "with submit/package_env.sh"
        )


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
