"""Counts, means and deviations per movie and per user, of the ratings that a row may know."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from mmdin import inputs

Aggregates = dict[str, Column]
"""Aggregate of ratings by the name of its column."""

UNSTORED = (
    "user_residuals",
    "user_poster_count",
    "user_poster_residuals",
    *(f"user_{feature}_products" for feature in inputs.POSTER_FEATURES),
)
"""Columns of user_statistics that biases are computed from, and nothing else reads."""


def movie_statistics() -> Aggregates:
    """Of the ratings of one movie: how many, their mean and deviation. Reads rating."""
    return {
        "movie_rating_count": F.count("rating"),
        "movie_rating_mean": F.avg("rating"),
        "movie_rating_stddev": F.stddev_pop("rating"),
    }


def user_statistics() -> Aggregates:
    """Of the ratings of one user: how many, their mean, and of the movies' years and posters.

    Products are sums of residual times feature. Reads rating, residual, release_year and the poster
    features. Nulls do not count.
    """
    measured = ("release_year", *inputs.POSTER_FEATURES)
    residual, has_poster = F.col("residual"), F.col(inputs.POSTER_FEATURES[0]).isNotNull()
    return {
        "user_rating_count": F.count("rating"),
        "user_rating_mean": F.avg("rating"),
        "user_residuals": F.sum("residual"),
        **{f"user_{column}_mean": F.avg(column) for column in measured},
        **{f"user_{column}_stddev": F.stddev_pop(column) for column in measured},
        "user_poster_count": F.count(inputs.POSTER_FEATURES[0]),
        "user_poster_residuals": F.sum(F.when(has_poster, residual)),
        # Not covariances, of which each keeps four numbers: over windows sums take less time.
        **{f"user_{f}_products": F.sum(residual * F.col(f)) for f in inputs.POSTER_FEATURES},
    }


def of_earlier_rows(in_order: DataFrame, key: str, aggregates: Aggregates) -> DataFrame:
    """Add a column for each aggregate over the ratings of strictly earlier seconds with the key.

    If there is none, counts are 0 and the rest is null.

    Args:
        in_order: rows in the order of sort_by_time by the key, with what the aggregates read.
        key: user_id or movie_id.
        aggregates: counts are long, others double.
    """
    earlier = Window.partitionBy(key).orderBy("seconds").rangeBetween(Window.unboundedPreceding, -1)
    return in_order.withColumns(
        {name: aggregate.over(earlier) for name, aggregate in aggregates.items()}
    )


def by_view(rows: DataFrame) -> DataFrame:
    """The ratings that each view of the data holds: column sees is the view.

    Reads seen_by, of mmdin.features.split.
    """
    return rows.withColumn("sees", F.explode("seen_by"))


def of_views(seen: DataFrame, key: str, aggregates: Aggregates) -> DataFrame:
    """The aggregates of each key in each view: one row for each key and sees.

    Args:
        seen: rows of by_view.
        key: user_id or movie_id.
        aggregates: by the names of their columns.
    """
    named = (aggregate.alias(name) for name, aggregate in aggregates.items())
    return seen.groupBy(key, "sees").agg(*named)


def join_view(rows: DataFrame, views: DataFrame, key: str) -> DataFrame:
    """Add to every row what the view that it sees has of its key; counts are 0 if it has nothing.

    Args:
        rows: with the key and sees.
        views: of of_views.
        key: user_id or movie_id.
    """
    counts = [name for name in views.columns if name.endswith("_count")]
    return rows.join(views, [key, "sees"], how="left").fillna(0, subset=counts)
