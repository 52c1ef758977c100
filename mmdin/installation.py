"""Where the project's files are that are no Python: in a clone, or in an installed package."""

import sys
from importlib.util import find_spec
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent

_IN_WHEEL = PACKAGE / "_project"

IS_INSTALLED = _IN_WHEEL.is_dir()
"""Whether this package was installed from a wheel, which setup.py gives these files."""

PROJECT = _IN_WHEEL if IS_INSTALLED else PACKAGE.parent
"""The folder that holds conf/ and submit/."""

JOBS = PACKAGE.parent / "spark_jobs"
"""The folder that holds the jobs."""

PYTHON = sys.executable if IS_INSTALLED else str(PROJECT / ".venv" / "bin" / "python")
"""The interpreter that runs Spark's driver."""


def find_spark_submit() -> Path:
    """The spark-submit of this environment."""
    if not IS_INSTALLED:
        return PROJECT / ".venv" / "bin" / "spark-submit"
    pyspark = find_spec("pyspark")
    (folder,) = (pyspark and pyspark.submodule_search_locations) or ("pyspark",)
    return Path(folder, "bin", "spark-submit")


def find_configuration(path: str) -> str:
    """The path, or that of the project's own file if there is none in the current folder.

    `conf/demo.yaml` is the project's in any folder that has no such file.
    """
    own = PROJECT / path
    return (
        str(own) if path.startswith("conf/") and not Path(path).exists() and own.is_file() else path
    )
