"""Roots of every kind. viewfs stands for remote ones: Hadoop shows a local folder under it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession


@pytest.fixture
def remote(spark: SparkSession, tmp_path: Path) -> Iterator[str]:
    """A root that only Hadoop's classes can reach."""
    folder = tmp_path / "remote"
    folder.mkdir()
    name = f"mount{abs(hash(tmp_path))}"
    configuration = spark.sparkContext._jsc.hadoopConfiguration()
    setting = f"fs.viewfs.mounttable.{name}.link./root"
    configuration.set(setting, folder.as_uri())
    yield f"viewfs://{name}/root"
    configuration.unset(setting)


@pytest.fixture(params=["plain path", "file URL", pytest.param("remote", marks=pytest.mark.spark)])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A root of every kind; only the remote one starts Spark."""
    if request.param == "remote":
        return request.getfixturevalue("remote")
    folder = tmp_path / "of two words"
    return folder.as_uri() if request.param == "file URL" else str(folder)


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, bytes], Path]:
    """Write a local file by its name in the test's folder."""

    def put(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    return put
