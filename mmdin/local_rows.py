"""Rows that the driver has, as a DataFrame."""

from collections.abc import Iterable
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.conversion import LocalDataToArrowConversion
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType


def local_rows(
    spark: SparkSession, rows: Iterable[tuple[Any, ...]], schema: StructType
) -> DataFrame:
    """Rows that are here already, such as a list of files.

    They go as Arrow, which Spark takes as it is. Of Python's own rows it makes an RDD, which takes
    a job and Python workers to read.

    Args:
        spark: the session.
        rows: values in the order of the columns.
        schema: the columns.
    """
    values = list(rows)
    if values:
        table = LocalDataToArrowConversion.convert(values, schema, use_large_var_types=False)
    else:
        table = to_arrow_schema(schema, timezone="UTC").empty_table()
    return spark.createDataFrame(table, schema)
