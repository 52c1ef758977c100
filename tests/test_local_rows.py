"""Local rows are those that Spark makes of the same values, and cost no Spark job."""

import datetime
from typing import Any

import pytest
from pyspark.sql.types import ArrayType, IntegerType, LongType, MapType, StringType, StructType

from mmdin.local_rows import local_rows
from mmdin.stages import count_jobs

SCHEMA = (
    StructType()
    .add("word", "string", True, {"comment": "kept"})
    .add("count", "integer")
    .add("share", "double")
    .add("at", "timestamp")
    .add("versions", MapType(StringType(), LongType()))
    .add("epochs", ArrayType(IntegerType()))
)
NOON = datetime.datetime(2020, 2, 29, 12, 0, 0, 1, tzinfo=datetime.UTC)
ROWS: list[tuple[Any, ...]] = [
    ("a", 1, 0.5, NOON, {"ratings": 3, "samples": 2**40}, [1, 2]),
    ("é\n", -1, float("-inf"), NOON, {}, []),
    (None, None, None, None, None, None),
]


@pytest.mark.parametrize("rows", [ROWS, []], ids=["some", "none"])
def test_local_rows_are_those_of_spark(spark, rows) -> None:
    usual = spark.createDataFrame(rows, SCHEMA)
    local = local_rows(spark, iter(rows), SCHEMA)
    assert local.collect() == usual.collect()
    assert local.schema == SCHEMA
    assert local.schema["word"].metadata == {"comment": "kept"}


def test_no_spark_job_reads_them(spark) -> None:
    before = count_jobs(spark)
    assert len(local_rows(spark, ROWS, SCHEMA).collect()) == len(ROWS)
    assert count_jobs(spark) == before
