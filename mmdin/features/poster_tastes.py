"""How a user's residuals go with the features of posters: what looks the user likes."""

from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

from mmdin.inputs import POSTER_FEATURES

POSTER_TASTE = "poster_taste"
"""Column of the constant and then of a slope for each of POSTER_FEATURES: array<double>."""

_RIDGE = 20 * 0.1**2
"""A slope is shrunken as if 20 more ratings of no taste had posters that differ by 0.1, which is
about what posters differ by; chosen on validation rows."""


def poster_taste() -> Column:
    """The line of a user's residuals in each feature of the posters, and the sum of these lines.

    Each is a ridge regression on one feature: slopes are stars by the feature, and 0 at the user's
    mean poster. Null if the user has rated no movie with a poster. Reads user_statistics.
    """
    slopes = [_slope(feature) for feature in POSTER_FEATURES]
    at_zero = [-s * F.col(f"user_{f}_mean") for f, s in zip(POSTER_FEATURES, slopes, strict=True)]
    constant = sum(at_zero, F.lit(0.0))
    return F.when(F.col("user_poster_count") > 0, F.array(constant, *slopes))


def _slope(feature: str) -> Column:
    mean, deviation = F.col(f"user_{feature}_mean"), F.col(f"user_{feature}_stddev")
    squares = F.col("user_poster_count") * deviation * deviation
    products = F.col(f"user_{feature}_products") - F.col("user_poster_residuals") * mean
    return products / (squares + _RIDGE)


def poster_bias(columns: Mapping[str, str]) -> str:
    """SQL that gives the sum of the lines at a movie's poster: stars, 0 if there is none.

    Args:
        columns: SQL for POSTER_TASTE and for each of POSTER_FEATURES, by name.
    """
    taste = columns[POSTER_TASTE]
    terms = [f"{taste}[{n}] * {columns[f]}" for n, f in enumerate(POSTER_FEATURES, 1)]
    return f"coalesce({' + '.join((f'{taste}[0]', *terms))}, 0D)"
