"""Troubles of file systems, as the JVM reports them, are told from faults of the project."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from mmdin.storage import file_system_trouble


def test_a_file_that_vanished_while_it_was_read_is_named(
    spark: SparkSession, tmp_path: Path
) -> None:
    spark.range(3).coalesce(1).write.parquet(f"file:{tmp_path}/rows")
    rows = spark.read.parquet(f"file:{tmp_path}/rows")
    for file in (tmp_path / "rows").glob("*.parquet"):
        file.unlink()
    with pytest.raises(Exception) as error:
        rows.collect()
    assert f"{tmp_path}/rows" in (file_system_trouble(error.value) or "")


def test_other_errors_are_faults(spark: SparkSession) -> None:
    with pytest.raises(Exception) as error:
        spark.sql("SELECT no_such_column").collect()
    assert file_system_trouble(error.value) is None
    assert file_system_trouble(ValueError("Permission denied")) is None
