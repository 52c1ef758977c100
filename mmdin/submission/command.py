"""The command mmdin, which an installed package has in place of a clone's submit/local.sh."""

import os
import sys
from collections.abc import Callable, Sequence

from mmdin.errors import ClusterError
from mmdin.installation import JOBS, PROJECT, find_spark_submit

RunHere = Callable[[str, Sequence[str]], None]
"""Runs a job of the given name in this process, with its options."""


def run_command(argv: Sequence[str], run_here: RunHere) -> None:
    """Run a job, with the arguments of submit/local.sh.

    If there is a Spark session in this process, as in a task of Databricks, the job is run on it.
    Otherwise this process becomes the launcher, which starts spark-submit.

    Raises:
        ClusterError: there is no such job to run on a session.
    """
    if not _has_session():
        _become_launcher(argv)
    name = argv[0] if argv else ""
    jobs = sorted(path.stem for path in JOBS.glob("[a-z]*.py") if path.stem != "sql")
    if name not in jobs:
        raise ClusterError(f"there is no job {name!r}; the jobs are: {', '.join(jobs)}")
    run_here(name, argv[1:])


def _has_session() -> bool:
    if "pyspark" not in sys.modules:  # which takes a while to load
        return False
    from mmdin.session import has_session

    return has_session()


def _become_launcher(argv: Sequence[str]) -> None:
    environment = {
        **os.environ,
        "MMDIN_PYTHON": sys.executable,
        "MMDIN_SPARK_SUBMIT": str(find_spark_submit()),
    }
    script = str(PROJECT / "submit" / "local.sh")
    os.execvpe("bash", ["bash", script, *argv], environment)
