"""Slices of the test rows, measured separately: by user, movie, decade, genre and poster."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from mmdin.inputs import POSTER_FEATURES
from mmdin.metrics import ALL

_KEY = ("samples", "user_id", "movie_id", "rated_at")


def describe_slices(test_rows: DataFrame) -> DataFrame:
    """samples, user_id, movie_id, rated_at, dimension, slice: the slices that each row is in.

    Every row is in one slice of each dimension, and in one for each of its genres:

    - all: all.
    - user, movie: new, if it has no training row, so that networks have no embedding of it; else
      known.
    - user activity: ratings by the user that the row may know: none (a cold user), 1 to 20, more.
    - movie popularity: ratings of the movie that it may know: none (cold), 1 to 20, to 100, more.
    - release decade, genre, poster: of the movie; unknown if there is none.

    Args:
        test_rows: rows of the table samples, with column samples (samples.name).
    """
    users, movies = F.col("user_rating_count"), F.col("movie_rating_count")
    genres = F.when(F.col("genres") == "", F.array(F.lit("unknown"))).otherwise(
        F.split("genres", r"\|")
    )
    single = F.array(
        _slice(ALL, F.lit(ALL)),
        _slice("user", _by_training(F.col("user_index"))),
        _slice("movie", _by_training(F.col("movie_index"))),
        _slice("user activity", _counted(users, (20,))),
        _slice("movie popularity", _counted(movies, (20, 100))),
        _slice("release decade", _decade(F.col("release_year"))),
        _slice("poster", F.when(F.col(POSTER_FEATURES[0]).isNull(), "without").otherwise("with")),
    )
    of_genres = F.transform(F.coalesce(genres, F.array(F.lit("unknown"))), _of_genre)
    return test_rows.select(*_KEY, F.inline(F.concat(single, of_genres)))


def add_slices(scored: DataFrame, slices: DataFrame) -> DataFrame:
    """Each scored row once for each of its slices, with dimension and slice.

    Args:
        scored: columns of PREDICTIONS, and samples.
        slices: of describe_slices.
    """
    return scored.join(slices, on=list(_KEY), how="inner")


def _of_genre(genre: Column) -> Column:
    return _slice("genre", genre)


def _slice(dimension: str, value: Column) -> Column:
    return F.struct(F.lit(dimension).alias("dimension"), value.alias("slice"))


def _by_training(index: Column) -> Column:
    return F.when(index == 0, "new").otherwise("known")


def _counted(count: Column, upper: tuple[int, ...]) -> Column:
    name = F.when(count == 0, "0 (cold)")
    lowest = 1
    for highest in upper:
        name = name.when(count <= highest, f"{lowest} to {highest}")
        lowest = highest + 1
    return name.otherwise(f"{lowest} or more")


def _decade(year: Column) -> Column:
    decade = F.concat((F.floor(year / 10) * 10).cast("string"), F.lit("s"))
    return F.coalesce(decade, F.lit("unknown"))
