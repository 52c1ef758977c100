"""Counts, means and deviations per movie and per user, of the ratings that a row may know."""

from collections.abc import Callable

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from mmdin import inputs
from mmdin.config import Protocol
from mmdin.features.order import in_order_of_time

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
    rows: DataFrame, key: str, aggregates: Callable[[], Aggregates], protocol: Protocol
) -> DataFrame:
    """Add a column (count long, others double) per aggregate over the ratings that share the key.

    point_in_time takes those of strictly earlier seconds; the other protocols those that the row
    sees (columns sees and seen_by of mmdin.features.split). Where none is known, counts are 0 and
    the rest is null. Keeps all rows; with point_in_time they come out ordered by key and seconds.
    """
    if protocol == "point_in_time":
        return _of_earlier_rows(rows, key, aggregates())
    return _of_seen_rows(rows, key, aggregates())


def _of_earlier_rows(rows: DataFrame, key: str, aggregates: Aggregates) -> DataFrame:
    earlier = Window.partitionBy(key).orderBy("seconds").rangeBetween(Window.unboundedPreceding, -1)
    return in_order_of_time(rows, key).withColumns(
        {name: aggregate.over(earlier) for name, aggregate in aggregates.items()}
    )


def _of_seen_rows(rows: DataFrame, key: str, aggregates: Aggregates) -> DataFrame:
    statistics = (
        in_order_of_time(rows, key)
        .withColumn("sees", F.explode("seen_by"))
        .groupBy(key, "sees")
        .agg(*(aggregate.alias(name) for name, aggregate in aggregates.items()))
    )
    counts = [name for name in aggregates if name.endswith("_count")]
    return rows.join(statistics, [key, "sees"], how="left").fillna(0, subset=counts)
