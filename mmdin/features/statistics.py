"""Counts, means and deviations per movie and per user, of the ratings that a row may know."""

from collections.abc import Callable

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from mmdin import inputs
from mmdin.config import Protocol
from mmdin.features.order import sort_by_time

Aggregates = dict[str, Column]
"""Aggregate of ratings by the name of its column."""


def movie_statistics() -> Aggregates:
    """Of the ratings of one movie: how many, their mean and deviation. Reads rating."""
    return {
        "movie_rating_count": F.count("rating"),
        "movie_rating_mean": F.avg("rating"),
        "movie_rating_stddev": F.stddev_pop("rating"),
    }


def user_statistics() -> Aggregates:
    """Of the ratings of one user: how many, their mean, and of the movies' years and posters.

    Reads rating, release_year and the poster features. Nulls do not count.
    """
    measured = ("release_year", *inputs.POSTER_FEATURES)
    return {
        "user_rating_count": F.count("rating"),
        "user_rating_mean": F.avg("rating"),
        **{f"user_{column}_mean": F.avg(column) for column in measured},
        **{f"user_{column}_stddev": F.stddev_pop(column) for column in measured},
    }


def add_statistics(
    rows: DataFrame,
    key: str,
    aggregates: Callable[[], Aggregates],
    protocol: Protocol,
    is_sorted: bool = False,
) -> DataFrame:
    """Add a column (count long, others double) per aggregate over the ratings that share the key.

    Protocol point_in_time takes those of strictly earlier seconds; the other protocols those that
    the row sees (columns sees and seen_by of mmdin.features.split). If there is none, counts are 0
    and the rest is null. Keeps all rows; with point_in_time they come out sorted by time.

    Args:
        rows: with what the aggregates read.
        key: user_id or movie_id.
        aggregates: gives them.
        protocol: samples.protocol.
        is_sorted: whether rows already have the order of sort_by_time by the key.
    """
    in_order = rows if is_sorted else sort_by_time(rows, key)
    if protocol == "point_in_time":
        return _of_earlier_rows(in_order, key, aggregates())
    return rows.join(_of_views(in_order, key, aggregates()), [key, "sees"], how="left").fillna(
        0, subset=[name for name in aggregates() if name.endswith("_count")]
    )


def _of_earlier_rows(in_order: DataFrame, key: str, aggregates: Aggregates) -> DataFrame:
    earlier = Window.partitionBy(key).orderBy("seconds").rangeBetween(Window.unboundedPreceding, -1)
    return in_order.withColumns(
        {name: aggregate.over(earlier) for name, aggregate in aggregates.items()}
    )


def _of_views(in_order: DataFrame, key: str, aggregates: Aggregates) -> DataFrame:
    """The aggregates of each key in each view of the data."""
    return (
        in_order.withColumn("sees", F.explode("seen_by"))
        .groupBy(key, "sees")
        .agg(*(aggregate.alias(name) for name, aggregate in aggregates.items()))
    )
