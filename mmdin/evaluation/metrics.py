"""Metrics of every run, their intervals by slice, and users' influences, computed in Spark.

One task measures a variant, all of its seeds: ten million rows take about 5 GB there. Only metrics
come back to the driver, never scores.
"""

from collections.abc import Sequence
from typing import NamedTuple

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
from mmdin.metrics import ALL

Z_95 = 1.959963984540054
"""Half a 95 % interval in standard errors: the 0.975 quantile of the normal distribution."""

_RUN = ("run_id", "variant", "model", "seed", "protocol", "best_threshold")
_ROW = ("user_id", "label", "score")
_THRESHOLDS = StructType(
    [
        StructField("run_id", StringType()),
        StructField("best_threshold", DoubleType()),
        StructField("bad_rows", LongType()),
    ]
)
_CALIBRATED = (ALL, "user")
"""Dimensions of the slices whose bins are kept."""
_INFLUENCES = StructType(
    [
        StructField("variant", StringType()),
        StructField("user_id", LongType()),
        StructField("influences", ArrayType(DoubleType())),
    ]
)
_KINDS = {
    "runs": schemas.METRICS.schema,
    "intervals": schemas.METRIC_INTERVALS.schema,
    "bins": schemas.CALIBRATION.schema,
    "influences": _INFLUENCES,
}
_MEASURED = StructType([StructField(kind, schema) for kind, schema in _KINDS.items()])
"""A row of what is measured: one kind, the others null."""


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


def measure_variants(sliced: DataFrame, names: Names) -> DataFrame:
    """Measure every run, variant and slice in one pass.

    Args:
        sliced: columns of PREDICTIONS, and variant, seed, protocol, best_threshold, slices.
        names: of the slices.

    Returns:
        Rows of four kinds, which `of_kind` takes apart:

        - runs: the columns of METRICS. A metric that is undefined, such as ROC AUC with one class,
          is null.
        - intervals: the columns of METRIC_INTERVALS: mean and deviation over seeds, and 95 %
          interval over users. The interval is that of the mean over seeds: what another draw of as
          many users would give with the same trained networks. It is null with fewer than two
          users.
        - bins: the columns of CALIBRATION, of all test rows and of those of new and known users.
        - influences: variant, user_id, and influences: array of double in the order of METRICS,
          what the user contributes to the variant's metrics, the mean over the variant's seeds.
    """
    row_hash = F.xxhash64("user_id", "movie_id", "rated_at", "label").alias("row_hash")
    # A row for each slice of a row would take ten times the room in the shuffle.
    needed = sliced.select(*_RUN, *_ROW, "movie_id", row_hash, "slices")

    def measure_one(table: pa.Table) -> pa.Table:
        return _measure_variant(table, names)

    return needed.groupBy("variant").applyInArrow(measure_one, _MEASURED)


def of_kind(measured: DataFrame, kind: str) -> DataFrame:
    """The rows of one kind that measure_variants returns, with their own columns."""
    return measured.where(F.col(kind).isNotNull()).select(f"{kind}.*")


def _measure_variant(table: pa.Table, names: Names) -> pa.Table:
    """Rows of _MEASURED from those of one variant."""
    rows, slices = table.drop_columns(["slices"]).to_pandas(), rows_of_slices(table["slices"])
    seeds = _measure_seeds(rows)
    found = {
        "runs": [_describe_run(seed) for seed in seeds],
        "intervals": [
            _describe_slice(
                seeds if len(at) == len(rows) else _measure_seeds(rows.iloc[at]), *names[number]
            )
            for number, at in slices.items()
        ],
        "bins": [
            _calibrate_run(run, *names[number])
            for number, at in slices.items()
            if names[number][0] in _CALIBRATED
            for _, run in rows.iloc[at].groupby("run_id")
        ],
        "influences": [_influences_of_users(seeds)],
    }
    tables = [_as_kind(kind, pd.concat(frames)) for kind, frames in found.items()]
    return pa.concat_tables(tables, promote_options="default")


def _as_kind(kind: str, frame: pd.DataFrame) -> pa.Table:
    """Rows with the column of their kind alone, a struct."""
    rows = pa.Table.from_pandas(frame, to_arrow_schema(_KINDS[kind]), preserve_index=False)
    return pa.table({kind: rows.to_struct_array()})


class _Seed(NamedTuple):
    rows: pd.DataFrame
    measurement: Measurement


def _measure_seeds(rows: pd.DataFrame) -> list[_Seed]:
    return [_Seed(run, _measure(run)) for _, run in rows.groupby("seed", dropna=False)]


def _measure(rows: pd.DataFrame) -> Measurement:
    users, labels, scores = (rows[column].to_numpy() for column in _ROW)
    return measure(users, labels, scores, float(rows["best_threshold"].iloc[0]))


def _describe_run(seed: _Seed) -> pd.DataFrame:
    rows, measurement = seed
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
    )


def _calibrate_run(rows: pd.DataFrame, dimension: str, name: str) -> pd.DataFrame:
    bins = calibrate(rows["label"].to_numpy(), rows["score"].to_numpy())
    run = {column: rows[column].iloc[0] for column in ("run_id", "variant", "model")}
    return pd.DataFrame(bins).assign(**run, dimension=dimension, slice=name)


def _describe_slice(seeds: Sequence[_Seed], dimension: str, name: str) -> pd.DataFrame:
    first, measurements = seeds[0].rows, [seed.measurement for seed in seeds]
    values = np.array([m.values for m in measurements])
    mean = values.mean(axis=0)
    several = len(measurements) > 1
    errors = Z_95 * standard_errors(_mean_influences(measurements))
    highest = np.array([m.upper_bound for m in metrics.METRICS])
    return pd.DataFrame(
        {
            **{key: first[key].iloc[0] for key in ("variant", "model", "protocol")},
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


def _influences_of_users(seeds: Sequence[_Seed]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "variant": seeds[0].rows["variant"].iloc[0],
            "user_id": seeds[0].measurement.users,
            "influences": list(_mean_influences([seed.measurement for seed in seeds])),
        }
    )


def _mean_influences(measurements: Sequence[Measurement]) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = np.mean([m.influences for m in measurements], axis=0)
    return mean
