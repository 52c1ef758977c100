"""How far a movie is rated above the mean, and a user above the movies rated, in stars.

The baseline predictor of Koren (2010), "Factor in the Neighbors", section 2.1: a rating is the
mean, plus the movie's bias, plus the user's. A bias is a mean deviation that is shrunken towards 0,
as if some more ratings deviated by nothing. Training rows tell how many (empirical Bayes).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, Row
from pyspark.sql import functions as F


@dataclass(frozen=True)
class Baseline:
    """What biases are measured against.

    Attributes:
        mean: mean rating of the training rows, stars.
        movie_prior: ratings at the mean that are added to those of every movie.
        user_prior: the same of users.
    """

    mean: float
    movie_prior: float
    user_prior: float


def fit_baseline(sums: Mapping[str, Row]) -> Baseline:
    """Fit the baseline on training rows.

    Args:
        sums: of vocabularies.sum_up.
    """
    user = sums["user"]
    return Baseline(
        mean=user["stars"] / user["train_rows"],
        movie_prior=prior(sums["movie"]),
        user_prior=prior(user),
    )


def prior(sums: Row | Mapping[str, float]) -> float:
    """The variance of ratings of one key over the variance of keys' means; inf if means are alike.

    By the method of moments for groups of unequal sizes (Searle, Casella and McCulloch 1992,
    "Variance Components", section 3.6).

    Args:
        sums: over keys, of the training rows of each: train_rows; keys; stars, the sum of their
            ratings; squares, the sum of the ratings' squares; squared_rows, the sum of their
            numbers' squares; squared_stars, the sum of (sum of ratings)^2 / rows.
    """
    rows, keys = sums["train_rows"], sums["keys"]
    within, between = rows - keys, rows - sums["squared_rows"] / rows
    if within == 0 or between == 0:  # one rating for each key, or one key
        return 1.0
    noise = (sums["squares"] - sums["squared_stars"]) / within
    spread = sums["squared_stars"] - sums["stars"] ** 2 / rows - (keys - 1) * noise
    # Rounded, since sums of floating-point numbers depend on the order of their terms.
    return round(noise * between / spread, 6) if spread > 0 else float("inf")


def movie_bias(baseline: Baseline) -> Column:
    """The movie's bias by movie_rating_count and movie_rating_mean; 0 if no rating is known."""
    count = F.col("movie_rating_count")
    deviations = count * (F.col("movie_rating_mean") - baseline.mean)
    return F.coalesce(deviations / (count + baseline.movie_prior), F.lit(0.0))


def residual(baseline: Baseline) -> Column:
    """By how much rating is above the mean and the movie's bias of earlier ratings: movie_bias."""
    return F.col("rating") - baseline.mean - F.col("movie_bias")


def residual_among(baseline: Baseline) -> Column:
    """The same where rating is one of those that movie_rating_count and _mean are of.

    It is compared with the others of them.
    """
    others = F.col("movie_rating_count") - 1
    stars = F.col("movie_rating_count") * F.col("movie_rating_mean") - F.col("rating")
    bias = (stars - others * baseline.mean) / (others + baseline.movie_prior)
    return F.col("rating") - baseline.mean - bias


def user_bias(baseline: Baseline) -> Column:
    """The user's bias by user_rating_count and user_residuals, the sum of the residuals known."""
    known = F.col("user_rating_count") + baseline.user_prior
    return F.coalesce(F.col("user_residuals") / known, F.lit(0.0))
