"""Differences between two variants on the same test rows, and whether they can be told apart."""

import itertools
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from mmdin.evaluation.metrics import Z_95
from mmdin.evaluation.statistics import METRICS
from mmdin.metrics import METRICS_BY_NAME


def compare_variants(metrics: pd.DataFrame, influences: DataFrame) -> list[dict[str, Any]]:
    """Rows of DIFFERENCES for every two variants whose runs scored the same test rows.

    The variance of a difference is that over users, paired on the users, plus each side's variance
    over seeds by its number of seeds, where it has several.

    Args:
        metrics: columns of METRICS.
        influences: of influences_of_users.
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
    """better, worse, or open where the difference's interval holds zero or is not known."""
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


def _over_seeds(runs: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Mean over seeds, and that mean's variance (0 for one seed): float64 [metrics] each."""
    values = runs[list(METRICS)].to_numpy(dtype=np.float64)
    if len(values) == 1:
        return values[0], np.zeros(len(METRICS))
    return values.mean(axis=0), values.var(axis=0, ddof=1) / len(values)


def _variances_over_users(influences: DataFrame) -> dict[frozenset[str], np.ndarray]:
    """Variance of every two variants' difference over samples of users: float64 [metrics]."""
    one, other = influences.alias("one"), influences.alias("other")
    squares = [
        F.sum(F.pow(F.col("one.influences")[m] - F.col("other.influences")[m], 2)).alias(name)
        for m, name in enumerate(METRICS)
    ]
    paired = one.join(
        other,
        on=(F.col("one.user_id") == F.col("other.user_id"))
        & (F.col("one.variant") < F.col("other.variant")),
        how="inner",
    )
    keys = (F.col("one.variant").alias("a"), F.col("other.variant").alias("b"))
    rows = paired.groupBy(*keys).agg(F.count("*").alias("users"), *squares).collect()
    return {frozenset((r["a"], r["b"])): _variance(r.asDict()) for r in rows}


def _variance(row: dict[str, Any]) -> np.ndarray:
    n = row["users"]
    squares = np.array([np.nan if row[m] is None else row[m] for m in METRICS])
    return squares * n / (n - 1) if n > 1 else np.full(len(METRICS), np.nan)
