"""How a user's last ratings differ from the user's bias: of late, and on movies of like genres."""

from collections.abc import Callable

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from mmdin import inputs
from mmdin.features.order import sort_parts_by_time

RECENT = 20
"""Ratings that are looked back on for tastes by genre."""

LATEST = 10
"""Ratings that recent_bias is over."""

_GENRE_PRIOR, _LATEST_PRIOR = 2.0, 3.0
"""Ratings at the user's bias that are added to the two means; chosen on validation rows."""

_MOST_GENRES = 62
"""Genres, the most frequent, that a long has bits for."""


def genre_bits() -> Column:
    """The movie's genres as a long with the bit of each index set. Reads genre_1_index.. ."""
    bits = F.lit(0).cast("long")
    for slot in range(1, inputs.GENRE_SLOTS + 1):
        index = F.col(f"{inputs.genre(slot)}_index")
        bit = F.pow(F.lit(2.0), index).cast("long")
        bits = bits.bitwiseOR(F.when(index.between(1, _MOST_GENRES), bit).otherwise(0))
    return bits


def add_recent(rows: DataFrame) -> DataFrame:
    """Add column recent: the user's ratings of earlier seconds, the latest RECENT, latest first.

    Reads user_id, movie_id, seconds, in_history, residual and genre_bits. The column is an array of
    structs of residual and genre_bits, and null if there is none. Ratings of one second are ordered
    by descending movie_id. Rows that are partitioned by user stay so, and come out in the order of
    sort_by_time.
    """
    known = Window.partitionBy("user_id", "in_history").orderBy("seconds", "movie_id")
    last_few = known.rowsBetween(1 - RECENT, Window.currentRow)
    earlier = (
        Window.partitionBy("user_id").orderBy("seconds").rangeBetween(Window.unboundedPreceding, -1)
    )
    # Lists are compared by their number, which is unique within a user.
    ending_here = F.struct(
        F.row_number().over(known).alias("number"),
        F.collect_list(F.struct("residual", "genre_bits")).over(last_few).alias("ratings"),
    )
    numbered = rows.withColumn("ending_here", F.when(F.col("in_history"), ending_here))
    return (
        sort_parts_by_time(numbered, "user_id")
        .withColumn("recent", F.reverse(F.max("ending_here").over(earlier)["ratings"]))
        .drop("ending_here")
    )


def recent_bias() -> Column:
    """The mean of the LATEST residuals less user_bias, shrunken: stars, 0 without ratings.

    Reads recent and user_bias.
    """
    latest = F.slice("recent", 1, LATEST)
    return _shrunken_mean(latest, lambda rating: F.lit(1.0), _LATEST_PRIOR)


def genre_bias() -> Column:
    """The mean of recent residuals less user_bias, each by its movie's likeness in genres.

    Shrunken: stars, 0 without ratings of movies that share a genre. Likeness is the cosine of the
    sets of genres. Reads recent, user_bias and genre_bits.
    """
    return _shrunken_mean(F.col("recent"), _likeness, _GENRE_PRIOR)


def _likeness(rating: Column) -> Column:
    mine, other = F.col("genre_bits"), rating["genre_bits"]
    sizes = F.bit_count(mine) * F.bit_count(other)
    return F.when(sizes > 0, F.bit_count(mine.bitwiseAND(other)) / F.sqrt(sizes)).otherwise(0.0)


def _shrunken_mean(ratings: Column, weight: Callable[[Column], Column], prior: float) -> Column:
    weights = F.transform(ratings, weight)
    deviations = F.transform(ratings, lambda r: r["residual"] - F.col("user_bias"))
    weighted = F.zip_with(weights, deviations, lambda w, d: w * d)
    return F.coalesce(_sum(weighted) / (_sum(weights) + prior), F.lit(0.0))


def _sum(numbers: Column) -> Column:
    return F.aggregate(numbers, F.lit(0.0), lambda total, n: total + n)
