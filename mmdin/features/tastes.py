"""How a user's last ratings differ from the user's bias: of late, and on movies of like genres."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.pandas.functions import arrow_udf

from mmdin import inputs
from mmdin.features.history import RATED, flatten

Floats = NDArray[np.float64]

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
    deviations = F.aggregate(
        latest, F.lit(0.0), lambda total, r: total + (r["residual"] - F.col("user_bias"))
    )
    return F.coalesce(deviations / (F.size(latest) + _LATEST_PRIOR), F.lit(0.0))


READ = ("genre_bits", "user_bias", RATED.column)
"""Columns that genre_bias depends on."""


def genre_bias() -> Column:
    """The mean of BY_GENRE residuals less user_bias, each by its movie's likeness in genres.

    Shrunken: stars, 0 without ratings of movies that share a genre. Likeness is the cosine of the
    sets of genres. Reads READ.
    """
    added: Column = genre_bias_function()(*READ)
    return added


def genre_bias_function() -> Any:
    """The function of READ, in Python, whose values genre_bias are.

    Spark's functions of lists took a third of the time of all features.
    """

    def bias(bits: pa.Array, user_bias: pa.Array, rated: pa.Array) -> pa.Array:
        known = bits.fill_null(0).to_numpy(zero_copy_only=False)
        return pa.array(weigh_by_genres(known, user_bias.to_numpy(zero_copy_only=False), rated))

    return arrow_udf(bias, "double")  # type: ignore[call-overload]


def weigh_by_genres(bits: NDArray[Any], user_bias: Floats, rated: pa.ListArray) -> Floats:
    """See genre_bias: of arrays [rows], float64 [rows].

    Args:
        bits: int64, of genre_bits.
        user_bias: stars.
        rated: lists of RATED.
    """
    rows, ratings = flatten(pc.list_slice(rated, 0, BY_GENRE))
    residuals = ratings.field("residual").to_numpy(zero_copy_only=False)
    others = ratings.field("genre_bits").fill_null(0).to_numpy(zero_copy_only=False)
    sizes = np.bitwise_count(bits[rows]).astype(int) * np.bitwise_count(others)
    alike = np.bitwise_count(bits[rows] & others) / np.sqrt(np.maximum(sizes, 1))
    weighted = alike * (residuals - user_bias[rows])
    totals, sums = (np.bincount(rows, w, len(bits)) for w in (alike, weighted))
    return sums / (totals + _GENRE_PRIOR)
