"""Indices of identifiers: fitted on training rows, looked up everywhere."""

from collections.abc import Iterable

from pyspark.sql import DataFrame, Row, Window
from pyspark.sql import functions as F

from mmdin.features.split import SPLITS
from mmdin.inputs import INPUTS, Input


def identifiers(available: Iterable[str]) -> tuple[Input, ...]:
    """The inputs looked up in a vocabulary whose value is one of the available columns."""
    present = set(available)
    return tuple(i for i in INPUTS if not i.is_bucket and i.value in present)


def fit_vocabularies(rows: DataFrame) -> DataFrame:
    """Number the identifiers: 1 for the most frequent in training rows, ties in order of the key.

    Keys that are numbers are ordered as numbers. Columns that share a vocabulary count together.

    Args:
        rows: with split, label, rating and the identifiers' values.

    Returns:
        vocabulary and key (string) of every identifier, its index (int; null without a training
        row), for each split its rows and positives (long, such as train_rows and
        train_positives), and the sums of its training rows' ratings and of their squares (double:
        stars and squares).
    """
    named = [
        F.struct(
            F.lit(i.vocabulary).alias("vocabulary"), F.col(i.value).cast("string").alias("key")
        )
        for i in identifiers(rows.columns)
    ]
    counts = [F.count_if(F.col("split") == s).alias(f"{s}_rows") for s in SPLITS]
    counts += [
        F.count_if((F.col("split") == s) & (F.col("label") == 1)).alias(f"{s}_positives")
        for s in SPLITS
    ]
    of_training = F.when(F.col("split") == "train", F.col("rating"))
    counts += [F.sum(of_training).alias("stars"), F.sum(of_training**2).alias("squares")]
    counted = (
        rows.select("split", "label", "rating", F.explode(F.array(*named)).alias("named"))
        .where("named.key IS NOT NULL")
        .groupBy("named.vocabulary", "named.key")
        .agg(*counts)
    )
    by_rows = Window.partitionBy("vocabulary").orderBy(
        F.desc("train_rows"), F.col("key").try_cast("long"), "key"
    )
    index = F.when(F.col("train_rows") > 0, F.row_number().over(by_rows))
    return counted.withColumn("index", index)


def sum_up(fitted: DataFrame) -> dict[str, Row]:
    """The rows of fit_vocabularies summed over the keys of each vocabulary, in one query.

    Gives for each split its rows, its positives and its unseen keys (such as test_unseen: keys of
    test rows without a training row), and what mmdin.features.biases.prior takes.
    """
    is_unseen = F.col("index").isNull()
    counted = [f"{split}_{count}" for split in SPLITS for count in ("rows", "positives")]
    summed = fitted.groupBy("vocabulary").agg(
        F.count("index").alias("keys"),
        *(F.sum(name).alias(name) for name in (*counted, "stars", "squares")),
        *(F.count_if(is_unseen & (F.col(f"{s}_rows") > 0)).alias(f"{s}_unseen") for s in SPLITS),
        F.sum(F.col("train_rows").cast("double") ** 2).alias("squared_rows"),
        # Null, and so left out, for keys without a training row.
        F.sum(F.col("stars") ** 2 / F.col("train_rows")).alias("squared_stars"),
    )
    return {row["vocabulary"]: row for row in summed.collect()}


def vocabulary_rows(fitted: DataFrame) -> DataFrame:
    """Table vocabularies, of the rows of fit_vocabularies."""
    seen = fitted.where(F.col("index").isNotNull())
    return seen.select("vocabulary", "key", "index", F.col("train_rows").alias("rows"))


def look_up(rows: DataFrame, vocabularies: DataFrame, wanted: Iterable[Input]) -> DataFrame:
    """Add the index (int) of each wanted input; 0 if its value is null or has no index.

    A vocabulary is sent whole to every executor: a million keys take some 50 MB.

    Args:
        rows: with the inputs' values.
        vocabularies: vocabulary, key and index.
        wanted: inputs of which to add the index.
    """
    sharing: dict[str, list[Input]] = {}
    for i in wanted:
        sharing.setdefault(i.vocabulary, []).append(i)
    for name, inputs in sharing.items():
        vocabulary = vocabularies.where(F.col("vocabulary") == name)
        look_up_all = _look_up_in_table if len(inputs) == 1 else _look_up_in_map
        rows = look_up_all(rows, vocabulary, inputs)
    return rows


def _look_up_in_table(rows: DataFrame, vocabulary: DataFrame, inputs: list[Input]) -> DataFrame:
    (i,) = inputs
    indices = vocabulary.select(
        F.col("key").cast(rows.schema[i.value].dataType).alias(i.value),
        F.col("index").alias(i.column),
    )
    return rows.join(F.broadcast(indices), i.value, how="left").fillna(0, subset=[i.column])


def _look_up_in_map(rows: DataFrame, vocabulary: DataFrame, inputs: list[Input]) -> DataFrame:
    """Look up several columns at once.

    Spark searches a map from its start: for vocabularies of dozens of keys, such as genres.
    """
    entry = F.struct(F.col("key").cast(rows.schema[inputs[0].value].dataType), F.col("index"))
    indices = vocabulary.agg(F.map_from_entries(F.collect_list(entry)).alias("indices"))
    columns = {
        i.column: F.coalesce(F.try_element_at("indices", F.col(i.value)), F.lit(0)) for i in inputs
    }
    return rows.crossJoin(F.broadcast(indices)).withColumns(columns).drop("indices")
