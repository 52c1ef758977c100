"""Which ratings become samples, and their labels."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from mmdin.config import Samples
from mmdin.hashing import hashed_share

IN_SCOPE = "in scope"
ABOVE_MAX_MOVIE_ID = "above max_movie_id"
NO_POSTER = "no poster"
NOT_IN_FRACTION = "by users outside user_fraction"
FEW_RATINGS = "by users below min_user_ratings"


def label_ratings(ratings: DataFrame, movies: DataFrame, samples: Samples, seed: int) -> DataFrame:
    """Every rating with its label and with the reason why it becomes a sample or not.

    Reads table ratings and the rows of describe_movies. Gives user_id, movie_id (long), rating
    (double, stars), seconds (long, since 1970 UTC), label (int, 1 if rating >=
    samples.positive_rating), half_stars (int) and scope (string: IN_SCOPE, or the reason of the
    first key that leaves the rating out).
    """
    has_poster = movies.select("movie_id", "has_poster")
    labelled = ratings.join(F.broadcast(has_poster), "movie_id", how="left").select(
        "user_id",
        "movie_id",
        "rating",
        F.unix_timestamp("rated_at").alias("seconds"),
        (F.col("rating") >= samples.positive_rating).cast("int").alias("label"),
        F.round(2 * F.col("rating")).cast("int").alias("half_stars"),
        _scope(samples, seed).alias("scope"),
    )
    return _without_rare_users(labelled, samples.min_user_ratings)


def keep_in_scope(labelled: DataFrame) -> DataFrame:
    """The ratings of label_ratings that become samples, without column scope."""
    return labelled.where(F.col("scope") == IN_SCOPE).drop("scope")


def _scope(samples: Samples, seed: int) -> Column:
    above = F.lit(False)
    if samples.max_movie_id is not None:
        above = F.col("movie_id") > samples.max_movie_id
    without = F.lit(samples.with_posters_only) & ~F.coalesce("has_poster", F.lit(False))
    kept = F.lit(True)
    if samples.user_fraction < 1:
        kept = hashed_share(seed, "user_fraction", ("user_id",)) < samples.user_fraction
    return (
        F.when(above, ABOVE_MAX_MOVIE_ID)
        .when(without, NO_POSTER)
        .when(~kept, NOT_IN_FRACTION)
        .otherwise(IN_SCOPE)
    )


def _without_rare_users(labelled: DataFrame, fewest: int) -> DataFrame:
    if fewest == 1:
        return labelled
    in_scope = F.col("scope") == IN_SCOPE
    of_user = F.count_if(in_scope).over(Window.partitionBy("user_id"))
    scope = F.when(in_scope & (of_user < fewest), FEW_RATINGS).otherwise(F.col("scope"))
    return labelled.withColumn("scope", scope)
