"""Metrics of every run, their intervals by slice, and users' influences, computed in Spark.

One task measures a run's scores, or those of all seeds of a variant: ten million rows take about
5 GB there. Only metrics come back to the driver, never scores.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import (
    ArrayType,
    DoubleType,
    LongType,
    StringType,
    StructField,
    StructType,
)

from mmdin import metrics, schemas
from mmdin.errors import TableError
from mmdin.evaluation.calibration import calibrate, calibration_error
from mmdin.evaluation.slices import Names, rows_of_slices
from mmdin.evaluation.statistics import (
    METRICS,
    Measurement,
    best_threshold,
    measure,
    standard_errors,
)

Z_95 = 1.959963984540054
"""Half a 95 % interval in standard errors: the 0.975 quantile of the normal distribution."""

_RUN = ("run_id", "variant", "model", "seed", "protocol", "best_threshold")
_VARIANT = ("variant", "model", "protocol")
_ROW = ("user_id", "label", "score")
_THRESHOLDS = StructType(
    [
        StructField("run_id", StringType()),
        StructField("best_threshold", DoubleType()),
        StructField("bad_rows", LongType()),
    ]
)
_INFLUENCES = StructType(
    [
        StructField("variant", StringType()),
        StructField("user_id", LongType()),
        StructField("influences", ArrayType(DoubleType())),
    ]
)


def find_best_thresholds(
    validation: DataFrame, test: DataFrame, run_ids: Sequence[str]
) -> dict[str, float]:
    """The score of each run at and above which F1 is largest on validation rows.

    Of scores with equal F1, the highest. Runs without validation rows are left out.

    Args:
        validation: columns of PREDICTIONS, of validation rows.
        test: columns of PREDICTIONS, of test rows, whose scores are only checked.
        run_ids: of the runs that need thresholds.

    Raises:
        TableError: a run, also one that is not in run_ids, has scores that are missing or outside
            0..1.
    """
    is_bad = F.col("score").isNull() | F.isnan("score") | ~F.col("score").between(0, 1)
    columns = ("run_id", "label", "score", is_bad.alias("is_bad"))
    needed = validation.where(F.col("run_id").isin(list(run_ids)) | is_bad).select(*columns)
    needed = needed.unionByName(test.where(is_bad).select(*columns))
    per_run = needed.groupBy("run_id").applyInPandas(_find_best_threshold, _THRESHOLDS).collect()
    bad = {row["run_id"]: row["bad_rows"] for row in per_run if row["bad_rows"]}
    if bad:
        named = ", ".join(f"{run_id} ({bad[run_id]} rows)" for run_id in sorted(bad))
        raise TableError(f"scores that are missing or outside 0..1: {named}; train and score again")
    return {row["run_id"]: row["best_threshold"] for row in per_run}


def _find_best_threshold(rows: pd.DataFrame) -> pd.DataFrame:
    good = rows[~rows["is_bad"]]
    threshold = np.nan
    if len(good):
        threshold = best_threshold(good["label"].to_numpy(), good["score"].to_numpy())
    run = rows[["run_id"]].iloc[:1]
    return run.assign(best_threshold=threshold, bad_rows=len(rows) - len(good))


def measure_runs(scored: DataFrame) -> DataFrame:
    """One row per run: the columns of METRICS.

    A metric that is undefined, such as ROC AUC with one class, is null.

    Args:
        scored: columns of PREDICTIONS, and variant, seed, protocol, best_threshold.
    """
    row_hash = F.xxhash64("user_id", "movie_id", "rated_at", "label").alias("row_hash")
    needed = scored.select(*_RUN, *_ROW, row_hash)
    return needed.groupBy("run_id").applyInPandas(_measure_run, schemas.METRICS.schema)


def _measure_run(rows: pd.DataFrame) -> pd.DataFrame:
    measurement = _measure(rows)
    bins = calibrate(rows["label"].to_numpy(), rows["score"].to_numpy())
    run = rows[list(_RUN)].iloc[:1]
    return run.assign(
        seed=run["seed"].astype("Int64"),
        rows=len(rows),
        positives=rows["label"].sum(),
        users=len(measurement.users),
        rows_digest=np.bitwise_xor.reduce(rows["row_hash"].to_numpy()),
        calibration_error=calibration_error(bins),
        **dict(zip(METRICS, measurement.values, strict=True)),
    )[schemas.METRICS.columns]


def calibrate_slices(sliced: DataFrame, names: Names) -> DataFrame:
    """The rows of CALIBRATION of every run and slice.

    Args:
        sliced: columns of PREDICTIONS, and variant, slices.
        names: of the slices.
    """
    run = ("run_id", "variant", "model")
    needed = sliced.select(*run, "label", "score", F.explode("slices").alias("number"))

    def calibrate_one(rows: pd.DataFrame) -> pd.DataFrame:
        bins = calibrate(rows["label"].to_numpy(), rows["score"].to_numpy())
        first = {name: rows[name].iloc[0] for name in run}
        first["dimension"], first["slice"] = names[rows["number"].iloc[0]]
        return pd.DataFrame([{**first, **b._asdict()} for b in bins])[schemas.CALIBRATION.columns]

    by_slice = needed.groupBy("run_id", "number")
    return by_slice.applyInPandas(calibrate_one, schemas.CALIBRATION.schema)


def measure_slices(sliced: DataFrame, names: Names) -> DataFrame:
    """The rows of METRIC_INTERVALS: mean and deviation over seeds, and 95 % interval over users.

    The interval is that of the mean over seeds: what another draw of as many users would give with
    the same trained networks. It is null with fewer than two users.

    Args:
        sliced: columns of PREDICTIONS, and variant, seed, protocol, best_threshold, slices.
        names: of the slices.
    """
    # A row for each slice of a row would take ten times the room in the shuffle.
    needed = sliced.select(*_VARIANT, "seed", "movie_id", *_ROW, "best_threshold", "slices")
    schema = schemas.METRIC_INTERVALS.schema

    def measure_variant(table: pa.Table) -> pa.Table:
        rows = table.drop_columns(["slices"]).to_pandas()
        measured = pd.concat(
            _measure_slice(rows.iloc[at], *names[number])
            for number, at in rows_of_slices(table["slices"]).items()
        )
        return pa.Table.from_pandas(measured, to_arrow_schema(schema), preserve_index=False)

    return needed.groupBy("variant").applyInArrow(measure_variant, schema)


def _measure_slice(rows: pd.DataFrame, dimension: str, name: str) -> pd.DataFrame:
    first, measurements = _measure_seeds(rows)
    values = np.array([m.values for m in measurements])
    mean = values.mean(axis=0)
    several = len(measurements) > 1
    errors = Z_95 * standard_errors(_mean_influences(measurements))
    highest = np.array([m.upper_bound for m in metrics.METRICS])
    return pd.DataFrame(
        {
            **{key: first[key].iloc[0] for key in _VARIANT},
            "dimension": dimension,
            "slice": name,
            "rows": len(first),
            "positives": first["label"].sum(),
            "users": len(measurements[0].users),
            "movies": first["movie_id"].nunique(),
            "seeds": len(measurements),
            "metric": METRICS,
            "mean": mean,
            "stddev": values.std(axis=0, ddof=1) if several else np.full(len(mean), np.nan),
            "lower": np.maximum(mean - errors, 0.0),
            "upper": np.minimum(mean + errors, highest),
        }
    )


def influences_of_users(scored: DataFrame) -> DataFrame:
    """What each user contributes to each variant's metrics, the mean over the variant's seeds.

    Args:
        scored: as for measure_runs.

    Returns:
        variant, user_id, and influences: array of double in the order of METRICS.
    """
    needed = scored.select("variant", "seed", *_ROW, "best_threshold")
    return needed.groupBy("variant").applyInPandas(_influences_on_variant, _INFLUENCES)


def _influences_on_variant(rows: pd.DataFrame) -> pd.DataFrame:
    first, measurements = _measure_seeds(rows)
    return pd.DataFrame(
        {
            "variant": first["variant"].iloc[0],
            "user_id": measurements[0].users,
            "influences": list(_mean_influences(measurements)),
        }
    )


def _measure_seeds(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[Measurement]]:
    """The rows of the first seed, and every seed's metrics."""
    seeds = [of_seed for _, of_seed in rows.groupby("seed", dropna=False)]
    return seeds[0], [_measure(of_seed) for of_seed in seeds]


def _mean_influences(measurements: Sequence[Measurement]) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = np.mean([m.influences for m in measurements], axis=0)
    return mean


def _measure(rows: pd.DataFrame) -> Measurement:
    users, labels, scores = (rows[column].to_numpy() for column in _ROW)
    return measure(users, labels, scores, float(rows["best_threshold"].iloc[0]))
