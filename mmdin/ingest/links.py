"""Rows of links.csv: a movie's ids at IMDb and at TMDB."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from mmdin.ingest.movies import judge_repeated_movies
from mmdin.ingest.rejection import WRONG_FIELDS, is_whole_number, judge, not_whole_number

FILE = "links.csv"
COLUMNS = ("movieId", "imdbId", "tmdbId")


def judge_links(rows: DataFrame) -> DataFrame:
    """Decide which rows of links.csv are kept.

    imdbId and tmdbId may be empty. Of several rows with one movieId, the one whose line sorts first
    is kept.

    Args:
        rows: links.csv as read by mmdin.ingest.csv_files.read_csv.

    Returns:
        Columns of the table links, with line and reason (null if the row is kept).
    """
    rules = {
        WRONG_FIELDS: F.col("well_formed"),
        not_whole_number("movieId"): is_whole_number("movieId"),
        not_whole_number("imdbId"): F.col("imdbId").isNull() | is_whole_number("imdbId"),
        not_whole_number("tmdbId"): F.col("tmdbId").isNull() | is_whole_number("tmdbId"),
    }
    judged = judge(rows, rules).select(
        F.col("movieId").try_cast("long").alias("movie_id"),
        F.col("imdbId").alias("imdb_id"),
        F.col("tmdbId").try_cast("long").alias("tmdb_id"),
        "line",
        "reason",
    )
    return judge_repeated_movies(judged)
