"""Rows of movies.csv: a title with the year at its end, and genres joined by |."""

from collections.abc import Iterable, Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from mmdin.ingest.formats import MOVIES, NO_GENRES
from mmdin.ingest.numbers import whole_number
from mmdin.ingest.rejection import judge, judge_fields, not_whole_number

SECOND_ROW = "movieId has another row"

FIRST_YEAR = 1870
"""No movie is older."""

YEARS_AHEAD = 5
"""Movies are listed at most this many years before they are released."""

_BLANK = r"[\s\p{Z}\x{FEFF}\x{200B}]"
"""White space, no-break blanks too."""

_YEAR = (
    rf"\({_BLANK}*([0-9]{{4}})(?:/[IVXLC]+)?(?:{_BLANK}*[-\u2013\u2014]{_BLANK}*(?:[0-9]{{4}})?)?"
)
_NO_YEAR = rf"\((?!{_BLANK}*[0-9]{{4}}{_BLANK}*[-\u2013\u2014/)])[^()]*\)|\[[^\[\]]*\]"
_YEAR_AT_END = rf"{_BLANK}*{_YEAR}{_BLANK}*\)[)\]]*((?:{_BLANK}*(?:{_NO_YEAR}))*){_BLANK}*$"
"""As in `Jumanji (1995)`; for series `(1975-1979)` and `(2007-)`, of which the first year is taken.
The years may be separated by a hyphen or a dash. After a year there may be the number that tells
movies of one title and year apart, `(1999/I)`, another bracket, and remarks, `(1995) (V) [3D]`."""

_SPELLINGS = (
    *("Action", "Adventure", "Animation", "Children", "Comedy", "Crime", "Documentary", "Drama"),
    *("Fantasy", "Film-Noir", "Horror", "IMAX", "Musical", "Mystery", "Romance", "Sci-Fi"),
    *("Thriller", "War", "Western"),
)


def judge_movies(rows: DataFrame) -> DataFrame:
    """Decide which rows of movies.csv are kept.

    Of several rows with one movieId, the one whose line sorts first is kept, since rows have no
    order in Spark.

    Args:
        rows: movies.csv as read by mmdin.ingest.delimited.read_rows.

    Returns:
        movie_id, listed_title, release_year as listed, genres as listed, line and reason (null if
        the row is kept).
    """
    parsed = judge_fields(rows, MOVIES.columns).withColumn(
        "movie_id", whole_number(F.col("movieId"))
    )
    rules = {not_whole_number("movieId"): F.col("movie_id").isNotNull()}
    title = _trim(F.col("title"))
    judged = judge(parsed, rules).select(
        "movie_id",
        title.alias("listed_title"),
        F.regexp_extract(title, _YEAR_AT_END, 1).try_cast("int").alias("release_year"),
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


def finish_movies(movies: DataFrame, latest_year: int, spellings: Mapping[str, str]) -> DataFrame:
    """The table movies, from kept rows of judge_movies.

    A year that cannot be is null, and stays in the title.

    Args:
        movies: movie_id, listed_title, release_year and genres.
        latest_year: the last year that can be a release year.
        spellings: of genres, as of choose_spellings.
    """
    possible = F.col("release_year").between(FIRST_YEAR, latest_year)
    without_year = F.regexp_replace("listed_title", _YEAR_AT_END, "$2")
    return movies.select(
        "movie_id",
        F.when(possible, without_year).otherwise(F.col("listed_title")).alias("title"),
        F.when(possible, F.col("release_year")).alias("release_year"),
        F.array_distinct(_respell(F.col("genres"), spellings)).alias("genres"),
    )


def choose_spellings(genres: Iterable[str]) -> dict[str, str]:
    """One spelling for genres that differ only in case, by each of the other spellings.

    It is MovieLens' spelling, or the first in order, in which capitals come before small letters.
    """
    by_key = {genre.casefold(): genre for genre in sorted(genres, reverse=True)}
    by_key |= {genre.casefold(): genre for genre in _SPELLINGS}
    chosen = {genre: by_key[genre.casefold()] for genre in genres}
    return {genre: spelling for genre, spelling in chosen.items() if genre != spelling}


def _trim(text: Column) -> Column:
    return F.regexp_replace(text, f"^{_BLANK}+|{_BLANK}+$", "")


def _genres(genres: Column) -> Column:
    trimmed = F.transform(F.split(genres, r"\|"), _trim)
    listed = F.filter(trimmed, lambda genre: ~F.lower(genre).isin("", NO_GENRES))
    return F.coalesce(listed, F.array().cast("array<string>"))


def _respell(genres: Column, spellings: Mapping[str, str]) -> Column:
    if not spellings:
        return genres
    pairs = (F.lit(text) for pair in spellings.items() for text in pair)
    chosen = F.create_map(*pairs)
    return F.transform(genres, lambda genre: F.coalesce(F.try_element_at(chosen, genre), genre))
