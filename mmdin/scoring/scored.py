"""Rows with the scores of several runs: one row per sample, and as many scores as runs.

Such a DataFrame has the columns KEPT of samples, and scores: an array of structs of run_id, model
and score. It takes less room than one row per sample and run, which list_scores gives.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from mmdin.errors import TableError
from mmdin.predictors import BEST_POSSIBLE

KEPT = ("user_id", "movie_id", "rated_at", "rating", "label", "split")
"""Columns of samples that a scored row keeps."""

MEANS = ("movie_rating_mean", "user_rating_mean")
BIASES = ("movie_bias", "user_bias")
TAKEN = (*MEANS, *BIASES)
"""Columns of samples that naive predictors take."""


def one_score(run_id: str, model: str, score: Column) -> Column:
    """The score of a run, as an element of column scores."""
    return F.struct(
        F.lit(run_id).alias("run_id"), F.lit(model).alias("model"), score.alias("score")
    )


def with_scores(rows: DataFrame, scores: Sequence[Column]) -> DataFrame:
    """The rows with the scores of one_score."""
    return rows.select(*KEPT, F.array(*scores).alias("scores"))


def list_scores(scored: DataFrame) -> DataFrame:
    """One row per row and run: columns of PREDICTIONS, and split."""
    return scored.select(*KEPT, F.inline("scores"))


def count_scores(scored: DataFrame) -> dict[str, dict[str, int]]:
    """How many rows of each split each run has scored: by split, and then by run_id.

    Raises:
        TableError: the planted truth lacks rows.
    """
    counted = (
        list_scores(scored)
        .groupBy("split", "run_id", "model")
        .agg(F.count("*").alias("rows"), F.count_if(F.col("score").isNull()).alias("unknown"))
        .collect()
    )
    lacking = sum(row["unknown"] for row in counted if row["model"] == BEST_POSSIBLE)
    if lacking:
        raise TableError(
            f"true_probabilities lacks {lacking} rows of samples: the samples are of another "
            "world; run make_demo_data and the pipeline again, or remove true_probabilities"
        )
    counts: dict[str, dict[str, int]] = {}
    for row in sorted(counted, key=lambda row: row["run_id"]):
        counts.setdefault(row["split"], {})[row["run_id"]] = row["rows"]
    return counts
