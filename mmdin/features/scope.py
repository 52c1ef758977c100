"""Which ratings become samples, and their labels."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from mmdin.config import Samples

IN_SCOPE = "in scope"
ABOVE_MAX_MOVIE_ID = "above max_movie_id"
NO_POSTER = "no poster"


def label_ratings(ratings: DataFrame, movies: DataFrame, samples: Samples) -> DataFrame:
    """Every rating with its label and with the reason why it becomes a sample or not.

    Reads table ratings and the rows of describe_movies. Gives user_id, movie_id (long), rating
    (double, stars), seconds (long, since 1970 UTC), label (int, 1 if rating >=
    samples.positive_rating), half_stars (int) and scope (string: IN_SCOPE, ABOVE_MAX_MOVIE_ID or
    NO_POSTER).
    """
    has_poster = movies.select("movie_id", "has_poster")
    return ratings.join(F.broadcast(has_poster), "movie_id", how="left").select(
        "user_id",
        "movie_id",
        "rating",
        F.unix_timestamp("rated_at").alias("seconds"),
        (F.col("rating") >= samples.positive_rating).cast("int").alias("label"),
        F.round(2 * F.col("rating")).cast("int").alias("half_stars"),
        _scope(samples).alias("scope"),
    )


def keep_in_scope(labelled: DataFrame) -> DataFrame:
    """The ratings of label_ratings that become samples, without column scope."""
    return labelled.where(F.col("scope") == IN_SCOPE).drop("scope")


def _scope(samples: Samples) -> Column:
    above = F.lit(False)
    if samples.max_movie_id is not None:
        above = F.col("movie_id") > samples.max_movie_id
    without = F.lit(samples.with_posters_only) & ~F.coalesce("has_poster", F.lit(False))
    return F.when(above, ABOVE_MAX_MOVIE_ID).when(without, NO_POSTER).otherwise(IN_SCOPE)
