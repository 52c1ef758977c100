"""Submit a job to a cluster: python -m mmdin.submission KIND JOB --conf FILE [--set ...]."""

import argparse
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from mmdin.errors import ClusterError, MmdinError
from mmdin.options import add_options, load_given, overrides
from mmdin.submission.cluster import KINDS, Cluster, read_cluster
from mmdin.submission.commands import (
    IMAGE,
    PROJECT,
    Application,
    Job,
    plan_applications,
    require_archive,
    require_hadoop_configuration,
)


def main(argv: Sequence[str]) -> int:
    """Submit the job's applications one after the other.

    Returns:
        The status of the first application that fails, or 0.
    """
    options = _parse(argv)
    try:
        job = Job(options.job, options.conf, load_given(options), tuple(overrides(options)))
        cluster = _read_cluster(options)
        applications = plan_applications(
            options.kind, cluster, job, options.environment, options.driver_java_options
        )
        if options.dry_run:
            for application in applications:
                print(shlex.join(application.command))
            return 0
        _check_machine(options.kind, cluster, options.environment)
    except MmdinError as error:
        print(f"{options.kind}.sh: error: {error}", file=sys.stderr)
        return 2
    return run_applications(applications)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    launcher = f"submit/{argv[0]}.sh" if argv else "python -m mmdin.submission KIND"
    usage = f"{launcher} JOB --conf FILE [--set KEY=VALUE ...]; {launcher} --help has more"
    parser = argparse.ArgumentParser(prog=launcher, usage=usage, description=__doc__)
    parser.add_argument("kind", choices=KINDS, help="kind of cluster")
    parser.add_argument("job", help="name of a file in spark_jobs/")
    add_options(parser)
    parser.add_argument("--cluster", metavar="FILE", help="by default conf/cluster/KIND.yaml")
    parser.add_argument("--master", metavar="URL", help="the cluster's URL, instead of the file's")
    parser.add_argument("--image", help="the image that pods run, instead of the file's")
    parser.add_argument(
        "--environment",
        metavar="ARCHIVE",
        default=str(PROJECT / "build" / "environment.tar.gz"),
        help="what submit/package_env.sh packed, a path or URL",
    )
    parser.add_argument("--driver-java-options", default="", help=argparse.SUPPRESS)
    parser.add_argument("--dry-run", action="store_true", help="print the commands, run nothing")
    return parser.parse_args(argv)


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


def run_applications(applications: Sequence[Application]) -> int:
    """Run the applications one after the other.

    Returns:
        The status of the first application that fails, or 0.
    """
    # Ctrl-C is for spark-submit: wait for its last output and its status.
    signal.signal(signal.SIGINT, lambda *_: None)
    for number, application in enumerate(applications, 1):
        if len(applications) > 1:
            print(f"== application {number} of {len(applications)}: {application.label}")
        status = _submit(application)
        if status:
            skipped = "; ".join(a.label for a in applications[number:])
            rest = f"; not submitted: {skipped}" if skipped else ""
            print(f"{application.label} failed{rest}", file=sys.stderr)
            return status
    return 0


def _submit(application: Application) -> int:
    status = subprocess.run(application.command, check=False).returncode
    if status == 0 and application.status_command:
        answer = subprocess.run(
            application.status_command, check=False, capture_output=True, text=True
        )
        if not re.search(r"phase: Succeeded\b", answer.stdout + answer.stderr):
            print(answer.stdout + answer.stderr, file=sys.stderr)
            return 1
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
