"""Troubles of file systems, as the JVM reports them, are told from faults of the project."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from mmdin.storage import damaged_file, file_system_trouble


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


def test_a_file_whose_content_is_damaged_is_named(spark: SparkSession, tmp_path: Path) -> None:
    folder = tmp_path / "some rows. 1"
    spark.range(3).coalesce(1).write.parquet(f"file:{folder}")
    (file,) = folder.glob("*.parquet")
    for checksum in folder.glob(".*.crc"):  # which no object store has
        checksum.unlink()
    content = file.read_bytes()
    schema = spark.read.parquet(f"file:{folder}").schema
    for kept in (4, len(content) // 2):  # of the data, and of the footer behind them
        file.write_bytes(content[:kept] + b"?" * (len(content) - kept))
        with pytest.raises(Exception) as error:
            spark.read.schema(schema).parquet(f"file:{folder}").collect()
        assert file_system_trouble(error.value) is None
        assert (damaged_file(error.value) or "").endswith(str(file))
    assert damaged_file(ValueError("[FAILED_READ_FILE] file x.")) is None


def test_other_errors_are_faults(spark: SparkSession) -> None:
    with pytest.raises(Exception) as error:
        spark.sql("SELECT no_such_column").collect()
    assert file_system_trouble(error.value) is None
    assert damaged_file(error.value) is None
    assert file_system_trouble(ValueError("Permission denied")) is None
