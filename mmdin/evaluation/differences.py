"""Differences between two variants on the same test rows, and whether they are significant."""

import itertools
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DoubleType, LongType, StringType, StructField, StructType

from mmdin.evaluation.metrics import Z_95
from mmdin.evaluation.statistics import METRICS
from mmdin.metrics import METRICS_BY_NAME

_PARTS = 16
"""Parts that users are divided into, so that one task need not hold everybody's influences."""

_SQUARES = StructType(
    [
        StructField("part", LongType()),
        StructField("one", StringType()),
        StructField("other", StringType()),
        StructField("users", LongType()),
        StructField("squares", ArrayType(DoubleType())),
    ]
)


def compare_variants(metrics: pd.DataFrame, influences: DataFrame) -> list[dict[str, Any]]:
    """Rows of DIFFERENCES for every two variants whose runs scored the same test rows.

    The variance of a difference is that over users, paired on the users, plus each side's variance
    over seeds divided by its number of seeds, if it has several.

    Args:
        metrics: columns of METRICS.
        influences: of kind influences of measure_variants.
    """
    over_users = _variances_over_users(influences)
    runs = dict(list(metrics.groupby("variant", sort=False)))
    rows = []
    for variant, other in itertools.permutations(runs, 2):
        if set(runs[variant]["rows_digest"]) == set(runs[other]["rows_digest"]):
            mean, over_seeds = _over_seeds(runs[variant])
            other_mean, other_over_seeds = _over_seeds(runs[other])
            variance = over_users[frozenset((variant, other))] + over_seeds + other_over_seeds
            half, difference = Z_95 * np.sqrt(variance), mean - other_mean
            bounds = zip(METRICS, difference, difference - half, difference + half, strict=True)
            rows += [_row(variant, other, *numbers) for numbers in bounds]
    return rows


def verdict(metric: str, lower: float, upper: float) -> str:
    """better, worse, or open if the difference's interval holds zero or is not known."""
    if not (lower > 0 or upper < 0):
        return "open"
    return "better" if (lower > 0) == METRICS_BY_NAME[metric].higher_is_better else "worse"


def _row(
    variant: str, other: str, metric: str, difference: float, lower: float, upper: float
) -> dict[str, Any]:
    numbers = {"difference": difference, "lower": lower, "upper": upper}
    return {
        "variant": variant,
        "other": other,
        "metric": metric,
        **{name: None if np.isnan(n) else float(n) for name, n in numbers.items()},
        "verdict": verdict(metric, lower, upper),
    }


def _over_seeds(runs: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean over seeds, and that mean's variance (0 for one seed): float64 [metrics] each."""
    values = runs[list(METRICS)].to_numpy(dtype=np.float64)
    if len(values) == 1:
        return values[0], np.zeros(len(METRICS))
    return values.mean(axis=0), values.var(axis=0, ddof=1) / len(values)


def _variances_over_users(influences: DataFrame) -> dict[frozenset[str], NDArray[np.float64]]:
    """Variance of every two variants' difference over samples of users: float64 [metrics]."""
    parted = influences.withColumn("part", F.pmod(F.xxhash64("user_id"), F.lit(_PARTS)))
    rows = parted.groupBy("part").applyInPandas(_sum_squares, _SQUARES).collect()
    users: dict[frozenset[str], int] = {}
    squares: dict[frozenset[str], NDArray[np.float64]] = {}
    # In a fixed order: the last digits of a sum depend on it.
    for row in sorted(rows, key=lambda row: row["part"]):
        pair = frozenset((row["one"], row["other"]))
        users[pair] = users.get(pair, 0) + row["users"]
        of_part = np.array(row["squares"], dtype=np.float64)
        squares[pair] = squares.get(pair, np.zeros(len(METRICS))) + of_part
    return {pair: _variance(squares[pair], users[pair]) for pair in users}


def _sum_squares(influences: pd.DataFrame) -> pd.DataFrame:
    """For every two variants, the sum over their users of their influences' squared difference."""
    in_order = influences.sort_values("user_id")
    by_variant = {
        variant: (rows["user_id"].to_numpy(), np.stack(list(rows["influences"])))
        for variant, rows in in_order.groupby("variant")
    }
    sums = []
    for one, other in itertools.combinations(by_variant, 2):
        (users, values), (other_users, other_values) = by_variant[one], by_variant[other]
        _, at, other_at = np.intersect1d(
            users, other_users, assume_unique=True, return_indices=True
        )
        squares = np.square(values[at] - other_values[other_at]).sum(axis=0)
        sums.append((influences["part"].iloc[0], one, other, len(at), squares))
    return pd.DataFrame(sums, columns=_SQUARES.names)


def _variance(squares: NDArray[np.float64], users: int) -> NDArray[np.float64]:
    return squares * users / (users - 1) if users > 1 else np.full(len(METRICS), np.nan)
