"""The additive predictor: what a movie and a user are above the mean, each shrunken towards it.

The number of a row, in stars, is mean + movie + user:

- movie: the mean of the movie's known ratings above the mean of all, times n / (n + k), where n
  counts these ratings.
- user: the mean of what the user's known ratings are above mean + movie, times n / (n + k).

This is empirical Bayes with normal effects. The strengths k are ratios of variances, estimated from
training rows (Henderson 1953, Biometrics 9, method 1). What a row knows is what the statistics in
its samples know; mmdin.features.split and mmdin.features.statistics say which ratings these are.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from mmdin.config import Protocol, Samples
from mmdin.hashing import fold_of
from mmdin.predictors import naive_run_id
from mmdin.scoring.logistic import Line, fit_rising_line, probability
from mmdin.scoring.scored import KEPT, one_score, with_scores

log = logging.getLogger(__name__)

_WEAKEST, _STRONGEST = 1e-3, 1e4
"""Bounds of strengths: if a variance is estimated as 0, the number must stay defined."""

_STEPS_OF_FIT = 10_000
"""Numbers that are nearer than a star by this are fitted as one."""

_STEPS_PER_STAR = 2**20
"""Residuals are summed as whole numbers, because their sum must not depend on their order."""

_DIGITS = 6
"""Strengths are rounded, because the sums that they come from depend on their order."""

_STATISTICS = ("movie_rating_count", "movie_rating_mean", "user_rating_count")


@dataclass(frozen=True)
class Strengths:
    """How much the additive predictor shrinks.

    Attributes:
        rating: mean rating of training rows, stars.
        movie: as how many ratings at that mean it counts against a movie's own.
        user: the same against a user's own.
    """

    rating: float
    movie: float
    user: float


def estimate_strengths(training_rows: DataFrame) -> Strengths:
    """Estimate the variances of movies, of users and of the rest from training rows, in one query.

    Args:
        training_rows: with user_id, movie_id and rating; no user rates a movie twice.
    """
    keys = F.array(
        F.struct(F.lit("movie").alias("kind"), F.col("movie_id").alias("id")),
        F.struct(F.lit("user").alias("kind"), F.col("user_id").alias("id")),
    )
    per_key = (
        training_rows.select("rating", F.inline(keys))
        .groupBy("kind", "id")
        .agg(
            F.count("*").alias("rows"),
            F.sum("rating").alias("stars"),
            F.sum(F.col("rating") * F.col("rating")).alias("squares"),
        )
    )
    sums = per_key.groupBy("kind").agg(
        F.count("*").alias("keys"),
        F.sum("rows").alias("rows"),
        F.sum(F.col("rows") * F.col("rows")).alias("rows_squared"),
        F.sum("stars").alias("stars"),
        F.sum("squares").alias("squares"),
        F.sum(F.col("stars") * F.col("stars") / F.col("rows")).alias("between"),
    )
    by_kind = {row["kind"]: row.asDict() for row in sums.collect()}
    return solve_strengths(by_kind["movie"], by_kind["user"])


def solve_strengths(movie: Mapping[str, Any], user: Mapping[str, Any]) -> Strengths:
    """The strengths at which the sums of squares are what the variances lead to expect.

    Args:
        movie: of all movies, keys: their number; rows and stars: sums over ratings; squares: sum of
            squared ratings; rows_squared: sum over movies of their squared number of ratings;
            between: sum over movies of their squared sum of stars by their number of ratings.
        user: the same of all users.
    """
    rows, mean = movie["rows"], movie["stars"] / movie["rows"]
    of_mean = rows * mean**2
    movies_spread, users_spread = (kind["rows_squared"] / rows for kind in (movie, user))
    expected = np.array(
        [
            [rows - movies_spread, movie["keys"] - users_spread, movie["keys"] - 1],
            [user["keys"] - movies_spread, rows - users_spread, user["keys"] - 1],
            [rows - movies_spread, rows - users_spread, rows - 1],
        ]
    )
    found = np.array([movie["between"], user["between"], movie["squares"]]) - of_mean
    of_movies, of_users, rest = np.maximum(np.linalg.lstsq(expected, found)[0], 0.0)
    return Strengths(
        _round(mean),
        _round(_ratio(of_users + rest, of_movies)),
        _round(_ratio(rest, of_users)),
    )


def add_additive(
    samples: DataFrame, strengths: Strengths, section: Samples, seed: int
) -> DataFrame:
    """The columns KEPT of all rows, and additive: the number in stars.

    Args:
        samples: every row of table samples.
        strengths: of estimate_strengths on its training rows.
        section: the section samples of the configuration that the rows were built with.
        seed: the configuration's.
    """
    known = F.coalesce(F.col("movie_rating_mean"), F.lit(strengths.rating))
    movie = (known - strengths.rating) * _weight("movie_rating_count", strengths.movie)
    residual = F.col("rating") - strengths.rating - F.col("movie")
    steps = F.round(residual * _STEPS_PER_STAR).cast("long")
    total = _sum_of_known(section.protocol).alias("total")
    rows = (
        samples.select(*KEPT, *_STATISTICS)
        .withColumn("movie", movie)
        .withColumns({"steps": steps, "fold": fold_of(seed, section.folds)})
        .select(*KEPT, "movie", "user_rating_count", total)
    )
    user = F.col("total") / _STEPS_PER_STAR / (F.col("user_rating_count") + strengths.user)
    return rows.select(*KEPT, (strengths.rating + F.col("movie") + user).alias("additive"))


def additive_scores(samples: DataFrame, section: Samples, seed: int) -> DataFrame:
    """The scores of validation and test rows by the additive predictor; see with_scores.

    A logistic regression of the label on the number, over the training rows, makes it a
    probability. If the log-odds of a positive do not rise with it, every row gets their share.
    """
    strengths = estimate_strengths(samples.where(F.col("split") == "train"))
    log.info(
        "score: additive shrinks movies by %.3g and users by %.3g ratings",
        strengths.movie,
        strengths.user,
    )
    rows = add_additive(samples, strengths, section, seed)
    line = _fit(rows.where(F.col("split") == "train"))
    score = probability(line, F.col("additive"))
    held_out = rows.where(F.col("split").isin("validation", "test"))
    run_id = naive_run_id("additive", section.name)
    return with_scores(held_out, [one_score(run_id, "additive", score)])


def _fit(training_rows: DataFrame) -> Line:
    step = F.round(F.col("additive") * _STEPS_OF_FIT).cast("long").alias("step")
    rows_at = training_rows.groupBy("label", step).agg(F.count("*").alias("rows"))
    counted: pd.DataFrame = rows_at.toPandas()
    counted = counted.sort_values(["step", "label"], ignore_index=True)
    stars = counted["step"].to_numpy(dtype=np.float64) / _STEPS_OF_FIT
    labels, rows = (counted[c].to_numpy(dtype=np.float64) for c in ("label", "rows"))
    return fit_rising_line("additive", stars, labels, rows)


def _sum_of_known(protocol: Protocol) -> Column:
    """The sum of column steps over those ratings by the row's user that the row may know."""
    of_user = Window.partitionBy("user_id")
    if protocol == "point_in_time":
        seconds = F.unix_timestamp("rated_at")
        earlier = of_user.orderBy(seconds).rangeBetween(Window.unboundedPreceding, -1)
        return F.coalesce(F.sum("steps").over(earlier), F.lit(0))
    if protocol == "leaky":
        return F.sum("steps").over(of_user)
    is_train = F.col("split") == "train"
    trained = F.when(is_train, F.col("steps")).otherwise(0)
    of_fold = F.sum(trained).over(Window.partitionBy("user_id", "fold"))
    return F.sum(trained).over(of_user) - F.when(is_train, of_fold).otherwise(0)


def _weight(count: str, strength: float) -> Column:
    """How much of a mean of this many ratings is left; 0 if there is none."""
    return F.col(count) / (F.col(count) + strength)


def _ratio(noise: float, signal: float) -> float:
    return min(max(noise / signal, _WEAKEST), _STRONGEST) if signal > 0 else _STRONGEST


def _round(number: float) -> float:
    return float(f"{number:.{_DIGITS}g}")
