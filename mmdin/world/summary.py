"""Counts of a generated world, and the best ROC AUC that any model can reach on it."""

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

POSITIVE_RATING = 3.5
"""The true probabilities are those of at least this many stars."""

_BINS = 100_000


def describe(rated: DataFrame, posters: int, base: float) -> str:
    """Counts, shares and the best possible ROC AUC of a generated world, in a few lines.

    Args:
        rated: columns of mmdin.world.generate.RATED.
        posters: number of valid posters.
        base: log-odds of the rating process without any term.
    """
    counts = rated.agg(
        F.count_distinct("user_id").alias("users"), F.count_distinct("movie_id").alias("movies")
    ).collect()[0]
    per_second = rated.groupBy("user_id", "seconds").count()
    simultaneous = per_second.where("count > 1").agg(F.sum("count")).collect()[0][0] or 0
    negatives, positives = _count_by_probability(rated)
    rows = int(negatives.sum() + positives.sum())
    return (
        f"{counts['users']} users, {counts['movies']} movies rated, {rows} ratings, "
        f"{posters} good posters\n"
        f"share positive (>= {POSITIVE_RATING} stars): {positives.sum() / rows:.4f}\n"
        f"share with the same user and second as another: {simultaneous / rows:.4f}\n"
        f"base log-odds: {base:.4f}\n"
        f"best possible ROC AUC, over all ratings: {roc_auc(negatives, positives):.4f}"
    )


def _count_by_probability(rated: DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Negatives and positives in bins of the true probability: each (bins,)."""
    counted = rated.groupBy(
        F.floor(F.col("probability") * (_BINS - 1)).cast("int").alias("bin"),
        (F.col("rating") >= POSITIVE_RATING).cast("int").alias("label"),
    ).count()
    counts = np.zeros((2, _BINS), dtype=np.int64)
    for row in counted.collect():
        counts[row["label"], row["bin"]] = row["count"]
    return counts[0], counts[1]


def roc_auc(negatives: NDArray[np.int64], positives: NDArray[np.int64]) -> float:
    """ROC AUC from counts in bins of ascending score; rows of one bin count as ties.

    With 100,000 bins it differs from the exact value by less than 0.0001.
    """
    below = np.cumsum(negatives) - negatives
    won = (positives * (below + 0.5 * negatives)).sum()
    return float(won / (positives.sum() * negatives.sum()))
