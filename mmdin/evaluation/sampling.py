"""The few test rows that figures show point by point."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from mmdin.hashing import hashed_order, hashed_share

ROWS = 20_000
"""Test rows sampled, as many as in arXiv 2110.10205, figures 3 to 5."""

_ROW = ("user_id", "movie_id", "rated_at")


def sample_scores(scored: DataFrame, seed: int, rows: int = ROWS) -> DataFrame:
    """The rows of SAMPLED_SCORES: the same test rows of each variant's first run, by seeded chance.

    scored: columns of PREDICTIONS, and variant and seed; one run of each variant is taken.
    """
    chance = hashed_order(seed, "sample", _ROW)
    runs = scored.groupBy("variant").agg(F.min_by("run_id", F.coalesce("seed", F.lit(0))))
    chosen = runs.toDF("variant", "run_id")
    own = scored.join(F.broadcast(chosen), on=["variant", "run_id"], how="inner")
    counts = own.groupBy("run_id").agg(F.count("*").alias("rows"))
    # Rows that cannot be among the first are left out before a task has to sort a whole run.
    share = hashed_share(seed, "sample", _ROW, steps=2**31)
    likely = own.join(F.broadcast(counts), on="run_id", how="inner").where(
        share <= 1.5 * rows / F.col("rows")
    )
    by_chance = Window.partitionBy("run_id").orderBy(share, chance)
    numbered = likely.withColumn("row", F.row_number().over(by_chance) - 1)
    return numbered.where(F.col("row") < rows).select(
        "run_id", "variant", "model", "row", "label", "score"
    )
