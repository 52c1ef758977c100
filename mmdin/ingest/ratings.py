"""Rows of ratings.csv: user, movie, stars and time."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from mmdin.ingest.rejection import (
    WRONG_FIELDS,
    is_number,
    is_whole_number,
    judge,
    not_number,
    not_whole_number,
)

FILE = "ratings.csv"
COLUMNS = ("userId", "movieId", "rating", "timestamp")

NOT_STARS = "rating is not 0.5 to 5 stars in halves"
IMPOSSIBLE_TIME = "timestamp is before 1995 or after 2099"
UNKNOWN_MOVIE = "movieId is not in movies.csv"
REPEATED = "a later rating of the movie by the user exists"

_YEAR_1995, _YEAR_2100 = 788_918_400, 4_102_444_800
"""Seconds since 1970, UTC. MovieLens' oldest ratings are from January 1995. The upper bound is
fixed, not the time of the run, so that a later run gives the same table."""


def judge_ratings(rows: DataFrame, movies: DataFrame) -> DataFrame:
    """Decide which rows of ratings.csv are kept.

    Of several ratings of one movie by one user the latest is kept; at the same second, the one of
    more stars; if these are equal too, the one whose line sorts first.

    Args:
        rows: ratings.csv as read by mmdin.ingest.csv_files.read_csv.
        movies: movie_id of the movies that can be rated.

    Returns:
        Columns of the table ratings, with line and reason (null if the row is kept).
    """
    parsed = parse_ratings(rows)
    listed = movies.select("movie_id", F.lit(True).alias("listed"))
    judged = judge(
        parsed.join(F.broadcast(listed), on="movie_id", how="left"),
        {
            NOT_STARS: F.col("rating").between(0.5, 5) & (F.col("rating") * 2 % 1 == 0),
            IMPOSSIBLE_TIME: F.col("seconds").between(_YEAR_1995, _YEAR_2100 - 1),
            UNKNOWN_MOVIE: F.col("listed").isNotNull(),
        },
    )
    return judge_repeated_ratings(judged).select(
        "user_id",
        "movie_id",
        "rating",
        F.timestamp_seconds("seconds").alias("rated_at"),
        "line",
        "reason",
    )


def parse_ratings(rows: DataFrame) -> DataFrame:
    """user_id, movie_id, rating and seconds (since 1970) as numbers, with line and reason."""
    judged = judge(
        rows,
        {
            WRONG_FIELDS: F.col("well_formed"),
            not_whole_number("userId"): is_whole_number("userId"),
            not_whole_number("movieId"): is_whole_number("movieId"),
            not_number("rating"): is_number("rating"),
            not_whole_number("timestamp"): is_whole_number("timestamp"),
        },
    )
    return judged.select(
        F.col("userId").try_cast("long").alias("user_id"),
        F.col("movieId").try_cast("long").alias("movie_id"),
        F.col("rating").try_cast("double").alias("rating"),
        F.col("timestamp").try_cast("long").alias("seconds"),
        "line",
        "reason",
    )


def judge_repeated_ratings(judged: DataFrame) -> DataFrame:
    """Reject all but the latest of the kept ratings of one movie by one user."""
    latest_first = Window.partitionBy("user_id", "movie_id", "reason").orderBy(
        F.desc("seconds"), F.desc("rating"), "line"
    )
    ranked = judged.withColumn("rank", F.row_number().over(latest_first))
    return judge(ranked, {REPEATED: F.col("rank") == 1}).drop("rank")
