"""How a user's last ratings differ from the user's bias: of late, and on movies of like genres."""

from collections.abc import Callable

from pyspark.sql import Column
from pyspark.sql import functions as F

from mmdin import inputs
from mmdin.features.history import RATED

BY_GENRE, LATEST = 20, 10
"""Ratings that genre_bias and recent_bias are over."""

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


def recent_bias() -> Column:
    """The mean of the LATEST residuals less user_bias, shrunken: stars, 0 without ratings.

    Reads rated and user_bias.
    """
    latest = F.slice(RATED.column, 1, LATEST)
    return _shrunken_mean(latest, lambda rating: F.lit(1.0), _LATEST_PRIOR)


def genre_bias() -> Column:
    """The mean of BY_GENRE residuals less user_bias, each by its movie's likeness in genres.

    Shrunken: stars, 0 without ratings of movies that share a genre. Likeness is the cosine of the
    sets of genres. Reads rated, user_bias and genre_bits.
    """
    return _shrunken_mean(F.slice(RATED.column, 1, BY_GENRE), _likeness, _GENRE_PRIOR)


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
