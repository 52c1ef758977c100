"""How many positives and negatives stand at and above each score: what ranking metrics need."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

_COUNTS = ("positives", "negatives")


def rank_scores(predictions: DataFrame, keys: Sequence[str], blocks: int = 1024) -> DataFrame:
    """One row per key and distinct score, with counts at the score and above it.

    Scores are cut into equal blocks of 0..1. Counts above come from a prefix sum over the few
    blocks of a key and another within each block, so that no task sees all scores of a key.

    Args:
        predictions: keys, score (double in 0..1), label (0 or 1).
        keys: columns whose values are ranked apart, such as run_id.
        blocks: 1 where keys have few rows each.

    Returns:
        keys, score, and as bigint: positives, negatives (rows at the score), positives_above,
        negatives_above (rows with a higher score).
    """
    at_score = predictions.groupBy(*keys, "score").agg(
        F.sum("label").cast("bigint").alias("positives"),
        F.sum(1 - F.col("label")).cast("bigint").alias("negatives"),
    )
    in_block = [*keys, "block"]
    at_score = at_score.withColumn("block", F.floor(F.col("score") * blocks))
    per_block = at_score.groupBy(*in_block).agg(*(F.sum(c).alias(c) for c in _COUNTS))
    higher_blocks = Window.partitionBy(*keys).orderBy(F.desc("block"))
    above_block = per_block.select(
        *in_block, *(_sum_before(c, higher_blocks).alias(f"{c}_above_block") for c in _COUNTS)
    )
    higher_scores = Window.partitionBy(*in_block).orderBy(F.desc("score"))
    return at_score.join(above_block, on=in_block, how="inner").select(
        *keys,
        "score",
        *_COUNTS,
        *(
            (F.col(f"{c}_above_block") + _sum_before(c, higher_scores)).alias(f"{c}_above")
            for c in _COUNTS
        ),
    )


def _sum_before(column: str, window) -> Column:  # type: ignore[no-untyped-def]
    before = window.rowsBetween(Window.unboundedPreceding, -1)
    return F.coalesce(F.sum(column).over(before), F.lit(0))
