"""Metrics of lists of recommended movies, their intervals and paired differences, in Spark.

Relevant movies are looked for in the whole catalogue: sampled negatives change which method is
better (Krichene and Rendle 2020, doi 10.1145/3394486.3403226). A metric of a user is a number of
the ranks of the relevant movies in the user's list. The mean's influence of a user is the user's
number less the mean, by the number of users, so that the jackknife of mmdin.evaluation.statistics
gives the well-known standard error of a mean, which Spark sums up without bringing users to the
driver.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from mmdin.evaluation.differences import verdict
from mmdin.evaluation.metrics import Z_95
from mmdin.metrics import METRICS_BY_NAME, RANKING_METRICS, RANKING_SLICES

COMPARED = ("ndcg", "recall", "precision", "map", "mrr", "hit_rate")
"""Metrics of which more is better."""

_OF_USERS = tuple(m.name for m in RANKING_METRICS if m.name != "coverage")

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class RankedLists:
    """Lists that are measured.

    Attributes:
        lists: method, user_id, rank (int, from 1), movie_id. All methods serve the same users.
        relevant: user_id, movie_id, is_known (boolean, the same in all rows of a user): movies that
            should be in the lists. Other users are not measured.
        catalogue: movie_id, share (double): every movie that can be in a list, with the share of
            users who had rated it.
        methods: their names.
        top: length of the lists. Higher ranks do not count.
    """

    lists: DataFrame
    relevant: DataFrame
    catalogue: DataFrame
    methods: Sequence[str]
    top: int


def measure_lists(ranked: RankedLists) -> tuple[Rows, Rows]:
    """Every metric of each method, and the differences between every two methods.

    Returns:
        Rows of RANKING_METRICS less run_id and network_weight, and rows of RANKING_DIFFERENCES less
        run_id: for all users, and for known and new ones if there are such.
    """
    of_slices = _aggregate(measure_users(ranked), ranked.methods)
    movies = ranked.catalogue.count()
    covered = _count_covered(ranked)
    metrics, differences = [], []
    for row in of_slices:
        for n, method in enumerate(ranked.methods):
            means = [_mean(row, n, name) for name in _OF_USERS]
            listed = covered.get((row["slice"], method), 0)
            coverage = {"metric": "coverage", "mean": listed / movies if movies else None}
            shown = {"slice": row["slice"], "users": row["users"], "movies": movies}
            same = {**shown, "method": method, "top": ranked.top}
            metrics += [{**same, **mean} for mean in (*means, {**coverage, **_NO_INTERVAL})]
        for one, other in itertools.permutations(range(len(ranked.methods)), 2):
            pair = {"method": ranked.methods[one], "other": ranked.methods[other]}
            compared = [_difference(row, one, other, name) for name in COMPARED]
            differences += [{"slice": row["slice"], **pair, **d} for d in compared]
    return metrics, differences


def measure_users(ranked: RankedLists) -> DataFrame:
    """The metrics of every method for each user: method, user_id, is_known and a column for each.

    A user whom a method gives no list has zeros, and no novelty.
    """
    hit = ranked.relevant.select("user_id", "movie_id", F.lit(True).alias("is_hit"))
    found = (
        ranked.lists.where(F.col("rank") <= ranked.top)
        .join(hit, ["user_id", "movie_id"], "left")
        .join(F.broadcast(ranked.catalogue), "movie_id", "left")
        .groupBy("method", "user_id")
        .agg(
            F.sort_array(F.collect_list(F.when(F.col("is_hit"), F.col("rank")))).alias("hits"),
            F.avg(-F.log2("share")).alias("novelty"),
        )
    )
    users = ranked.relevant.groupBy("user_id").agg(
        F.count("*").alias("relevant"), F.max("is_known").alias("is_known")
    )
    methods = F.array(*map(F.lit, ranked.methods))
    served = users.select("*", F.explode(methods).alias("method"))
    rows = served.join(found, ["method", "user_id"], "left")
    rows = rows.withColumn("hits", F.coalesce("hits", F.array().cast("array<int>")))
    values = [value.alias(name) for name, value in _values(ranked.top).items()]
    return rows.select("method", "user_id", "is_known", *values)


def _values(top: int) -> dict[str, Column]:
    """The metrics of one user's list, from columns hits (ranks, ascending), relevant, novelty."""
    hits = F.col("hits")
    count, relevant = F.size(hits).cast("double"), F.col("relevant").cast("double")
    possible = F.least(F.col("relevant"), F.lit(top)).cast("int")
    precisions = F.transform(hits, lambda rank, before: (before + 1) / rank)
    return {
        "ndcg": _gain(hits) / _gain(F.sequence(F.lit(1), possible)),
        "recall": count / relevant,
        "precision": count / F.lit(top),
        "map": _sum(precisions) / possible,
        "mrr": F.coalesce(1 / F.get(hits, F.lit(0)), F.lit(0.0)),
        "hit_rate": (count > 0).cast("double"),
        "novelty": F.col("novelty"),
    }


def _gain(ranks: Column) -> Column:
    return _sum(F.transform(ranks, lambda rank: 1 / F.log2(rank + 1)))


def _sum(values: Column) -> Column:
    return F.aggregate(values, F.lit(0.0), lambda total, value: total + value)


def _aggregate(by_user: DataFrame, methods: Sequence[str]) -> list[Row]:
    """Means, deviations and deviations of differences, a row for each slice of users."""
    in_columns = [
        F.max(F.when(F.col("method") == method, F.col(name))).alias(_column(n, name))
        for n, method in enumerate(methods)
        for name in _OF_USERS
    ]
    users = by_user.groupBy("user_id", "is_known").agg(*in_columns)
    numbers = [F.count("*").alias("users")]
    for n, name in itertools.product(range(len(methods)), _OF_USERS):
        column = F.col(_column(n, name))
        numbers.append(F.avg(column).alias(f"mean_{_column(n, name)}"))
        numbers.append(F.stddev_samp(column).alias(f"deviation_{_column(n, name)}"))
    for one, other in itertools.combinations(range(len(methods)), 2):
        for name in COMPARED:
            difference = F.col(_column(one, name)) - F.col(_column(other, name))
            numbers.append(F.stddev_samp(difference).alias(f"{_column(one, name)}_less_{other}"))
    sliced = users.withColumn("slice", _slices()).groupBy("slice").agg(*numbers)
    return sorted(sliced.collect(), key=lambda row: RANKING_SLICES.index(row["slice"]))


def _slices() -> Column:
    """The slices that a user is in, a row each."""
    everyone, known, new = map(F.lit, RANKING_SLICES)
    return F.explode(F.array(everyone, F.when(F.col("is_known"), known).otherwise(new)))


def _column(method: int, metric: str) -> str:
    return f"{metric}_{method}"


def _count_covered(ranked: RankedLists) -> dict[tuple[str, str], int]:
    """Different movies in the lists of all measured users, by slice and method."""
    users = ranked.relevant.select("user_id", "is_known").distinct()
    counted = (
        ranked.lists.where(F.col("rank") <= ranked.top)
        .join(users, "user_id")
        .select("method", "movie_id", _slices().alias("slice"))
        .groupBy("slice", "method")
        .agg(F.count_distinct("movie_id").alias("movies"))
    )
    return {(row["slice"], row["method"]): row["movies"] for row in counted.collect()}


_NO_INTERVAL = {"lower": None, "upper": None}


def _mean(row: Row, method: int, metric: str) -> dict[str, Any]:
    name = _column(method, metric)
    mean, error = row[f"mean_{name}"], _error(row[f"deviation_{name}"], row["users"])
    if mean is None or error is None:
        return {"metric": metric, "mean": mean, **_NO_INTERVAL}
    highest = METRICS_BY_NAME[metric].upper_bound
    bounds = {"lower": max(mean - error, 0.0), "upper": min(mean + error, highest)}
    return {"metric": metric, "mean": mean, **bounds}


def _difference(row: Row, one: int, other: int, metric: str) -> dict[str, Any]:
    first, second = sorted((one, other))
    error = _error(row[f"{_column(first, metric)}_less_{second}"], row["users"])
    difference = row[f"mean_{_column(one, metric)}"] - row[f"mean_{_column(other, metric)}"]
    values = {"metric": metric, "difference": difference}
    if error is None:
        return {**values, **_NO_INTERVAL, "verdict": "open"}
    lower, upper = difference - error, difference + error
    return {**values, "lower": lower, "upper": upper, "verdict": verdict(metric, lower, upper)}


def _error(deviation: float | None, users: int) -> float | None:
    """Half a 95 % interval of a mean over users; None with one user."""
    return None if deviation is None else Z_95 * deviation / math.sqrt(users)
