"""Rows of ratings.csv: user, movie, stars and time."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from mmdin.config import RatingScale
from mmdin.ingest.formats import RATINGS
from mmdin.ingest.numbers import decimal_number, seconds, whole_number
from mmdin.ingest.rejection import judge, judge_fields, not_number, not_whole_number

NOT_A_TIME = "timestamp is not a time"
IMPOSSIBLE_TIME = "timestamp is before 1995 or after 2099"
UNKNOWN_MOVIE = "movieId is not in movies.csv"
REPEATED = "a later rating of the movie by the user exists"
SAME = "the same rating is there twice"

_YEAR_1995, _YEAR_2100 = 788_918_400, 4_102_444_800
"""Seconds since 1970, UTC. MovieLens' oldest ratings are from January 1995. The upper bound is
fixed, not the time of the run, so that a later run gives the same table."""

_ROUNDING = 1e-11
"""Steps by which a value may miss one of the scale: 0.30000000000000004 is 0.3, 4.4999 not 4.5."""

_HALF_STARS = 9
"""Steps from 0.5 to 5 stars."""


def not_on_scale(scale: RatingScale) -> str:
    """Reason for rejecting a row whose rating is none of the scale."""
    if scale == RatingScale():
        return "rating is not 0.5 to 5 stars in halves"
    return f"rating is not {scale.minimum:g} to {scale.maximum:g} in steps of {scale.step:g}"


def judge_ratings(rows: DataFrame, movies: DataFrame, scale: RatingScale) -> DataFrame:
    """Decide which rows of ratings.csv are kept.

    Of several ratings of one movie by one user the latest is kept; at the same second, the one of
    more stars; if these are equal too, the one whose line sorts first.

    Args:
        rows: ratings.csv as read by mmdin.ingest.delimited.read_rows.
        movies: movie_id of the movies that can be rated.
        scale: of the ratings.

    Returns:
        Columns of the table ratings, with value (the rating as read), seconds, line and reason
        (null if the row is kept).
    """
    parsed = parse_ratings(rows).withColumn("rating", stars(F.col("value"), scale))
    listed = movies.select("movie_id", F.lit(True).alias("listed"))
    judged = judge(
        parsed.join(F.broadcast(listed), on="movie_id", how="left"),
        {
            not_on_scale(scale): F.col("rating").isNotNull(),
            IMPOSSIBLE_TIME: is_possible_time(F.col("seconds")),
            UNKNOWN_MOVIE: F.col("listed"),
        },
    )
    return judge_repeated_ratings(judged).select(
        "user_id",
        "movie_id",
        "rating",
        F.timestamp_seconds("seconds").alias("rated_at"),
        "value",
        "seconds",
        "line",
        "reason",
    )


def parse_ratings(rows: DataFrame) -> DataFrame:
    """user_id, movie_id, value and seconds (since 1970) as numbers, with line and reason."""
    parsed = judge_fields(rows, RATINGS.columns).select(
        whole_number(F.col("userId")).alias("user_id"),
        whole_number(F.col("movieId")).alias("movie_id"),
        decimal_number(F.col("rating")).alias("value"),
        seconds(F.col("timestamp")).alias("seconds"),
        "line",
        "reason",
    )
    return judge(
        parsed,
        {
            not_whole_number("userId"): F.col("user_id").isNotNull(),
            not_whole_number("movieId"): F.col("movie_id").isNotNull(),
            not_number("rating"): F.col("value").isNotNull(),
            NOT_A_TIME: F.col("seconds").isNotNull(),
        },
    )


def is_possible_time(seconds: Column) -> Column:
    """Whether a rating can be of this second."""
    return seconds.between(_YEAR_1995, _YEAR_2100 - 1)


def stars(value: Column, scale: RatingScale) -> Column:
    """The stars, 0.5 to 5 in halves, that a value of the scale means; null if it is not on it."""
    exact = (value - scale.minimum) / scale.step
    step = F.floor(exact + 0.5)
    on_scale = (F.abs(exact - step) <= _ROUNDING) & step.between(0, scale.steps)
    if scale.is_stars:
        return F.when(on_scale, scale.minimum + step * scale.step)
    # In whole numbers, so that a value halfway between two half stars is not left to rounding.
    doubled = 2 * _HALF_STARS * step + scale.steps
    half_stars = F.floor(doubled / (2 * scale.steps)) + 1
    return F.when(on_scale, half_stars / 2)


def judge_repeated_ratings(judged: DataFrame) -> DataFrame:
    """Reject all but the latest of the kept ratings of one movie by one user."""
    latest_first = Window.partitionBy("user_id", "movie_id", "reason").orderBy(
        F.desc("seconds"), F.desc("rating"), "line"
    )
    ranked = judged.select(
        "*",
        F.row_number().over(latest_first).alias("rank"),
        F.lag("seconds").over(latest_first).alias("later_seconds"),
        F.lag("rating").over(latest_first).alias("later_rating"),
    )
    is_same = (F.col("later_seconds") == F.col("seconds")) & (
        F.col("later_rating") == F.col("rating")
    )
    first = F.col("rank") == 1
    rules = {SAME: first | ~is_same, REPEATED: first}
    return judge(ranked, rules).drop("rank", "later_seconds", "later_rating")
