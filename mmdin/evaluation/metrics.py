"""Metrics of every run, their intervals by slice, and users' influences, computed in Spark.

A run's scores of one slice are measured by one task: ten million rows take about 1 GB there. Only
metrics come back to the driver, never scores.
"""

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DoubleType, LongType, StringType, StructField, StructType

from mmdin import metrics, schemas
from mmdin.errors import TableError
from mmdin.evaluation.statistics import (
    METRICS,
    Measured,
    best_threshold,
    measure,
    standard_errors,
)

Z_95 = 1.959963984540054
"""Half a 95 % interval in standard errors: the 0.975 quantile of the normal distribution."""

_RUN = ("run_id", "variant", "model", "seed", "protocol", "best_threshold")
_SLICE = ("variant", "model", "protocol", "dimension", "slice")
_ROW = ("user_id", "label", "score")
_MEASURED_RUN = StructType([f for f in schemas.METRICS.schema if f.name != "calibration_error"])
_THRESHOLDS = StructType(
    [StructField("run_id", StringType()), StructField("best_threshold", DoubleType())]
)
_INFLUENCES = StructType(
    [
        StructField("variant", StringType()),
        StructField("user_id", LongType()),
        StructField("influences", ArrayType(DoubleType())),
    ]
)


def find_best_thresholds(validation: DataFrame) -> DataFrame:
    """run_id and best_threshold: the score at and above which F1 is largest, highest of equals.

    validation: columns of PREDICTIONS, of validation rows.
    """

    def find(own: pd.DataFrame) -> pd.DataFrame:
        threshold = best_threshold(own["label"].to_numpy(), own["score"].to_numpy())
        return own[["run_id"]].iloc[:1].assign(best_threshold=threshold)

    needed = validation.select("run_id", "label", "score")
    return needed.groupBy("run_id").applyInPandas(find, _THRESHOLDS)


def measure_runs(scored: DataFrame) -> DataFrame:
    """One row per run: the columns of METRICS, less calibration_error.

    A metric that is undefined, such as ROC AUC with one class, is null.

    Args:
        scored: columns of PREDICTIONS, and variant, seed, protocol, best_threshold.
    """

    def measure_run(own: pd.DataFrame) -> pd.DataFrame:
        measured = _measure(own)
        return (
            own[list(_RUN)]
            .iloc[:1]
            .assign(
                seed=lambda run: run["seed"].astype("Int64"),
                rows=len(own),
                positives=own["label"].sum(),
                users=len(measured.users),
                rows_digest=np.bitwise_xor.reduce(own["row_hash"].to_numpy()),
                **dict(zip(METRICS, measured.values, strict=True)),
            )[_MEASURED_RUN.names]
        )

    row_hash = F.xxhash64("user_id", "movie_id", "rated_at", "label").alias("row_hash")
    needed = scored.select(*_RUN, *_ROW, row_hash)
    return needed.groupBy("run_id").applyInPandas(measure_run, _MEASURED_RUN)


def measure_slices(sliced: DataFrame) -> DataFrame:
    """The rows of METRIC_INTERVALS: mean and deviation over seeds, and 95 % interval over users.

    The interval is that of the mean over seeds: what another draw of as many users would give with
    the same trained networks. It is null with fewer than two users.

    Args:
        sliced: columns of PREDICTIONS, and variant, seed, protocol, best_threshold, dimension,
            slice.
    """

    def measure_slice(own: pd.DataFrame) -> pd.DataFrame:
        seeds = [of_seed for _, of_seed in own.groupby("seed", dropna=False)]
        measured = [_measure(of_seed) for of_seed in seeds]
        values = np.array([m.values for m in measured])
        errors = Z_95 * standard_errors(np.mean([m.influences for m in measured], axis=0))
        mean, first = values.mean(axis=0), seeds[0]
        deviation = values.std(axis=0, ddof=1) if len(seeds) > 1 else np.full(len(mean), np.nan)
        highest = np.array([m.upper_bound for m in metrics.METRICS])
        return pd.DataFrame(
            {
                **{key: first[key].iloc[0] for key in _SLICE},
                "rows": len(first),
                "positives": first["label"].sum(),
                "users": len(measured[0].users),
                "movies": first["movie_id"].nunique(),
                "seeds": len(seeds),
                "metric": METRICS,
                "mean": mean,
                "stddev": deviation,
                "lower": np.maximum(mean - errors, 0.0),
                "upper": np.minimum(mean + errors, highest),
            }
        )[schemas.METRIC_INTERVALS.columns]

    needed = sliced.select(*_SLICE, "seed", "movie_id", *_ROW, "best_threshold")
    return needed.groupBy(*_SLICE).applyInPandas(measure_slice, schemas.METRIC_INTERVALS.schema)


def influences_of_users(scored: DataFrame) -> DataFrame:
    """variant, user_id, and influences: array of double in the order of METRICS, the mean
    over the variant's seeds.

    scored: as of measure_runs.
    """

    def of_variant(own: pd.DataFrame) -> pd.DataFrame:
        measured = [_measure(of_seed) for _, of_seed in own.groupby("seed", dropna=False)]
        return pd.DataFrame(
            {
                "variant": own["variant"].iloc[0],
                "user_id": measured[0].users,
                "influences": list(np.mean([m.influences for m in measured], axis=0)),
            }
        )

    needed = scored.select("variant", "seed", *_ROW, "best_threshold")
    return needed.groupBy("variant").applyInPandas(of_variant, _INFLUENCES)


def refuse_bad_scores(predictions: DataFrame) -> None:
    """Raises TableError naming the runs with scores that are missing or outside 0..1."""
    bad = F.col("score").isNull() | F.isnan("score") | ~F.col("score").between(0, 1)
    counts = predictions.where(bad).groupBy("run_id").count().orderBy("run_id").collect()
    if counts:
        named = ", ".join(f"{c['run_id']} ({c['count']} rows)" for c in counts)
        raise TableError(f"scores that are missing or outside 0..1: {named}; train and score again")


def _measure(own: pd.DataFrame) -> Measured:
    users, labels, scores = (own[column].to_numpy() for column in _ROW)
    return measure(users, labels, scores, float(own["best_threshold"].iloc[0]))
