"""Slices of the test rows, measured separately: by user, movie, decade, genre and poster."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from mmdin.inputs import POSTER_FEATURES
from mmdin.metrics import ALL

_KEY = ("samples", "user_id", "movie_id", "rated_at")

Names = Mapping[int, tuple[str, str]]
"""Dimension and slice by the number of a slice."""


def describe_slices(test_rows: DataFrame) -> DataFrame:
    """samples, user_id, movie_id, rated_at, and slices: an array of structs of dimension and slice.

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
    return test_rows.select(*_KEY, F.concat(single, of_genres).alias("slices"))


def number_slices(described: DataFrame) -> tuple[DataFrame, Names]:
    """The rows of describe_slices with numbers in place of the structs, and what the numbers mean.

    Numbers take a fraction of the room of names.
    """
    number = F.xxhash64("dimension", "slice")
    distinct = described.select(F.inline("slices")).distinct().select(number, "*").collect()
    names = {row[0]: (row["dimension"], row["slice"]) for row in distinct}
    numbers = F.transform("slices", lambda s: F.xxhash64(s["dimension"], s["slice"]))
    return described.withColumn("slices", numbers), names


def add_slices(scored: DataFrame, slices: DataFrame) -> DataFrame:
    """Each scored row with column slices.

    Args:
        scored: columns of PREDICTIONS, and samples.
        slices: of number_slices.
    """
    return scored.join(slices, on=list(_KEY), how="inner")


def rows_of_slices(slices: pa.ChunkedArray) -> dict[int, NDArray[np.int32]]:
    """The places of the rows of each slice, ascending, by the slice's number.

    Args:
        slices: of rows of number_slices.
    """
    row_of = np.repeat(
        np.arange(len(slices), dtype=np.int32), pc.list_value_length(slices).to_numpy()
    )
    numbers = pc.list_flatten(slices).to_pandas()
    return {number: row_of[at] for number, at in numbers.groupby(numbers).indices.items()}


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
