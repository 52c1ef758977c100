"""One Spark session for every test that asks for it, set up as submit/local.sh sets it up."""

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

PROJECT = Path(__file__).resolve().parents[1]

# A busy machine is no reason to fail, and the same examples each time are found again.
settings.register_profile("mmdin", deadline=None, derandomize=True)
settings.load_profile("mmdin")

# Tests start some two hundred processes, which would each compile the project for themselves.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# The JVMs of tests end before the second compiler's work pays: without it they take half the CPU
# time. With the first alone, JVMs reserve little room for compiled code, and sweep it all the time.
# The usual collector works beside the program, which costs small programs a fifth of their time.
# spark-submit hands its options to drivers, drivers theirs to executors.
SHORT_LIVED = (
    "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m "
    "-XX:+UseParallelGC -XX:ParallelGCThreads=1 -XX:MetaspaceSize=300m"
)
os.environ["SPARK_LAUNCHER_OPTS"] = os.environ["SPARK_DAEMON_JAVA_OPTS"] = SHORT_LIVED
os.environ["SPARK_SUBMIT_OPTS"] = f'{SHORT_LIVED} "-Dspark.executor.extraJavaOptions={SHORT_LIVED}"'
CLASS_ARCHIVE = PROJECT / ".venv" / "spark.jsa"
if CLASS_ARCHIVE.exists():  # set-up makes it; with it a session's start takes half the CPU time
    os.environ["SPARK_SUBMIT_OPTS"] += f" -XX:SharedArchiveFile={CLASS_ARCHIVE} -Xlog:cds=off"


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator["SparkSession"]:  # noqa: F821
    from properties import FEW_ROWS
    from pyspark.sql import SparkSession

    from mmdin.session import keep_classes

    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    os.environ.setdefault("PYSPARK_SUBMIT_ARGS", _submit_arguments())
    builder = SparkSession.builder.appName("mmdin tests")
    builder.config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("warehouse")))
    for name, value in FEW_ROWS.items():
        builder.config(name, value)
    session = builder.getOrCreate()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    keep_classes(session)
    yield session
    session.stop()


def _submit_arguments() -> str:
    properties = PROJECT / "conf" / "spark" / "local.conf"
    return f"--master local[2] --properties-file {properties} pyspark-shell"


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> "Once":  # noqa: F821
    """Make a folder in one of the processes that run tests, while the others wait for it."""
    from once import under

    base = tmp_path_factory.getbasetemp()
    return under(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base)


@pytest.fixture
def generated_code(spark: "SparkSession") -> Iterator[None]:  # noqa: F821
    """Queries compiled, as users' are, for a test of what depends on it."""
    usual = {"wholeStage": "true", "factoryMode": "FALLBACK"}
    before = {name: spark.conf.get(f"spark.sql.codegen.{name}") for name in usual}
    for name, value in usual.items():
        spark.conf.set(f"spark.sql.codegen.{name}", value)
    yield
    for name, value in before.items():
        spark.conf.set(f"spark.sql.codegen.{name}", value)


SLOWEST = (
    *("test_standalone", "test_yarn", "test_pipeline"),
    *("features", "training", "report", "e2e", "ingest", "tests", "posters", "world"),
)
"""Files and folders of tests that workers begin with, so that none is left with a long one.

The first file of e2e to run makes what the others copy: they come when it is there.
"""

TOGETHER = (
    ("tests/e2e/test_pipeline.py", "tests/e2e/test_wheel.py"),
    ("tests/features/test_samples.py", "tests/features/test_states.py"),
    ("tests/report/",),
    ("tests/cluster/test_standalone.py", "tests/cluster/test_environment.py"),
)
"""Folders and files whose tests share expensive fixtures."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that starts Spark, so that -m 'not spark' starts none; the slowest first."""
    for item in items:
        if "spark" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.spark)
    items.sort(key=_place)


def pytest_collection_finish() -> None:
    """Keep the collector from what tests import, TensorFlow above all: that stays to the end."""
    gc.collect()
    gc.freeze()


def _place(item: pytest.Item) -> int:
    names = (item.path.stem, item.path.parent.name)
    return next((n for n, name in enumerate(SLOWEST) if name in names), len(SLOWEST))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give a worker all tests of a file, or of a group of TOGETHER.

    The marks that xdist has for this do not reach it under pytest 9.2.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::")[0]
            return next((group[0] for group in TOGETHER if file.startswith(group)), file)

    return Scheduling(config, log)
