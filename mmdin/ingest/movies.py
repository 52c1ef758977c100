"""Rows of movies.csv: a title with the year at its end, and genres joined by |."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from mmdin.ingest.rejection import WRONG_FIELDS, is_whole_number, judge, not_whole_number

FILE = "movies.csv"
COLUMNS = ("movieId", "title", "genres")
SECOND_ROW = "movieId has another row"

_NO_GENRES = "(no genres listed)"
_YEAR_AT_END = r"\s*\(([0-9]{4})(?:\s*[-\u2013]\s*(?:[0-9]{4})?)?\)$"
"""As in `Jumanji (1995)`; for series `(1975-1979)` and `(2007-)`, of which the first year is taken.
The years may be separated by a hyphen or an en dash (U+2013)."""


def judge_movies(rows: DataFrame) -> DataFrame:
    """Decide which rows of movies.csv are kept.

    Of several rows with one movieId, the one whose line sorts first is kept, since rows have no
    order in Spark.

    Args:
        rows: movies.csv as read by mmdin.ingest.csv_files.read_csv.

    Returns:
        Columns of the table movies, with line and reason (null if the row is kept).
    """
    rules = {
        WRONG_FIELDS: F.col("well_formed"),
        not_whole_number("movieId"): is_whole_number("movieId"),
    }
    judged = judge(rows, rules).select(
        F.col("movieId").try_cast("long").alias("movie_id"),
        F.regexp_replace("title", _YEAR_AT_END, "").alias("title"),
        _release_year(F.col("title")).alias("release_year"),
        _genres(F.col("genres")).alias("genres"),
        "line",
        "reason",
    )
    return judge_repeated_movies(judged)


def judge_repeated_movies(judged: DataFrame) -> DataFrame:
    """Reject all but one of the kept rows of each movie_id: the one whose line sorts first."""
    by_line = Window.partitionBy("movie_id", "reason").orderBy("line")
    ranked = judged.withColumn("rank", F.row_number().over(by_line))
    return judge(ranked, {SECOND_ROW: F.col("rank") == 1}).drop("rank")


def _release_year(title: Column) -> Column:
    return F.regexp_extract(title, _YEAR_AT_END, 1).try_cast("int")


def _genres(genres: Column) -> Column:
    listed = F.when(genres != _NO_GENRES, F.split(genres, r"\|"))
    return F.coalesce(listed, F.array().cast("array<string>"))
