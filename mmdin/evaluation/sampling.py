"""The few test rows that figures show point by point."""

from collections.abc import Mapping

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from mmdin.hashing import hashed_order, hashed_share

ROWS = 20_000
"""Test rows sampled, as many as in arXiv 2110.10205, figures 3 to 5."""

_ROW = ("user_id", "movie_id", "rated_at")


def sample_scores(
    scored: DataFrame, runs: Mapping[str, int], seed: int, rows: int = ROWS
) -> DataFrame:
    """The rows of SAMPLED_SCORES: the same test rows of each run, by a seeded hash.

    Args:
        scored: columns of PREDICTIONS, and variant.
        runs: the test rows of each run that is sampled, by run_id.
        seed: of the choice.
        rows: of each run, at most.
    """
    order = hashed_order(seed, "sample", _ROW)
    share = hashed_share(seed, "sample", _ROW, steps=2**31)
    # Rows that cannot be among the first are left out before a task has to sort a whole run.
    likely = F.lit(False)
    for run_id, count in runs.items():
        likely = likely | ((F.col("run_id") == run_id) & (share <= 1.5 * rows / count))
    by_share = Window.partitionBy("run_id").orderBy(share, order)
    numbered = scored.where(likely).withColumn("row", F.row_number().over(by_share) - 1)
    return numbered.where(F.col("row") < rows).select(
        "run_id", "variant", "model", "row", "label", "score"
    )
