"""Indices of identifiers: fitted on training rows, looked up everywhere."""

import functools
from collections.abc import Iterable

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from mmdin.inputs import INPUTS, Input


def identifiers(available: Iterable[str]) -> tuple[Input, ...]:
    """The inputs looked up in a vocabulary whose value is one of the available columns."""
    present = set(available)
    return tuple(i for i in INPUTS if not i.is_bucket and i.value in present)


def fit_vocabularies(rows: DataFrame) -> DataFrame:
    """Number the identifiers in training rows: 1 for the most frequent, ties in order of the key.

    Reads the identifiers' values among the rows' columns (columns that share a vocabulary count
    together). Gives table vocabularies. Keys that are numbers are ordered as numbers.
    """
    columns: dict[str, list[str]] = {}
    for i in identifiers(rows.columns):
        columns.setdefault(i.vocabulary, []).append(i.value)
    counted = [
        rows.select(F.explode(F.array(*values)).alias("key"))
        .where(F.col("key").isNotNull())
        .groupBy(F.col("key").cast("string").alias("key"))
        .agg(F.count(F.lit(1)).alias("rows"))
        .withColumn("vocabulary", F.lit(name))
        for name, values in columns.items()
    ]
    by_rows = Window.partitionBy("vocabulary").orderBy(
        F.desc("rows"), F.col("key").try_cast("long"), "key"
    )
    return functools.reduce(DataFrame.unionByName, counted).select(
        "vocabulary", "key", F.row_number().over(by_rows).alias("index"), "rows"
    )


def look_up(rows: DataFrame, vocabularies: DataFrame, wanted: Iterable[Input]) -> DataFrame:
    """Add the index (int) of each wanted input; 0 where its value is null or not in the vocabulary.

    Reads the inputs' values and table vocabularies. A vocabulary is sent whole to every executor:
    a million keys take some 50 MB.
    """
    for i in wanted:
        indices = vocabularies.where(F.col("vocabulary") == i.vocabulary).select(
            F.col("key").cast(rows.schema[i.value].dataType).alias(i.value),
            F.col("index").alias(i.column),
        )
        rows = rows.join(F.broadcast(indices), i.value, how="left").fillna(0, subset=[i.column])
    return rows
