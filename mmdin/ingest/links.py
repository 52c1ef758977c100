"""Rows of links.csv: a movie's ids at IMDb and at TMDB."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from mmdin.ingest.formats import LINKS
from mmdin.ingest.movies import judge_repeated_movies
from mmdin.ingest.numbers import whole_number
from mmdin.ingest.rejection import judge, judge_fields, not_whole_number

_IMDB_DIGITS = 7
"""IMDb's numbers have at least as many, with leading zeros."""


def judge_links(rows: DataFrame) -> DataFrame:
    """Decide which rows of links.csv are kept.

    imdbId and tmdbId may be empty. Of several rows with one movieId, the one whose line sorts first
    is kept.

    Args:
        rows: links.csv as read by mmdin.ingest.delimited.read_rows.

    Returns:
        Columns of the table links, with line and reason (null if the row is kept).
    """
    parsed = judge_fields(rows, LINKS.columns).select(
        "*",
        whole_number(F.col("movieId")).alias("movie_id"),
        _imdb_id(F.col("imdbId")).alias("imdb_id"),
        whole_number(F.col("tmdbId")).alias("tmdb_id"),
    )
    rules = {
        not_whole_number("movieId"): F.col("movie_id").isNotNull(),
        not_whole_number("imdbId"): F.col("imdbId").isNull() | F.col("imdb_id").isNotNull(),
        not_whole_number("tmdbId"): F.col("tmdbId").isNull() | F.col("tmdb_id").isNotNull(),
    }
    judged = judge(parsed, rules).select("movie_id", "imdb_id", "tmdb_id", "line", "reason")
    return judge_repeated_movies(judged)


def _imdb_id(text: Column) -> Column:
    """The digits of tt0114709, and of numbers that lost their leading zeros in a spreadsheet."""
    digits = F.regexp_replace(text, "^[tT]{2}", "")
    number = whole_number(digits)
    padded = F.when(number >= 0, F.lpad(number.cast("string"), _IMDB_DIGITS, "0"))
    return F.when(digits.rlike(f"^[0-9]{{{_IMDB_DIGITS},18}}$"), digits).otherwise(padded)
