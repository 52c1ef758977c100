"""The scores that a network's are compared with: naive predictors, and the planted truth."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from mmdin.predictors import BEST_POSSIBLE, naive_run_id
from mmdin.scoring.logistic import Line, fit_rising_line, probability
from mmdin.scoring.scored import BIASES, MEANS, one_score

_MEANS = {
    "movie_mean": MEANS[:1],
    "mean_of_means": MEANS,
}
"""The columns of samples whose mean a predictor takes."""

_SUMS = {**_MEANS, "additive": BIASES}
"""The same, and those of which a predictor takes the sum."""

_STEPS_PER_STAR = 10_000
"""Means that are nearer than this are fitted as one, at their mean: probabilities of the fit
change by less than 1e-8, and the driver gets at most 200 thousand numbers of each column."""


@dataclass(frozen=True)
class NaiveFit:
    """What the naive predictors take from training rows.

    Attributes:
        positive_share: share of positives.
        rating: mean rating in stars, which replaces a mean that is not known.
        lines: for each predictor that takes a mean, the log-odds of a positive by that mean.
    """

    positive_share: float
    rating: float
    lines: Mapping[str, Line]


def fit_naive(samples: DataFrame) -> NaiveFit:
    """Fit the naive predictors on the training rows, in one query.

    If the log-odds of a positive do not rise with a mean, its predictor scores every row by the
    share of positives.
    """
    counted = _count_means(samples.where(F.col("split") == "train"))
    once = counted[counted["predictor"] == next(iter(_MEANS))]
    total = once["rows"].sum()
    rating = float(once["stars"].sum() / total)
    share = float(once["label"] @ once["rows"] / total)
    lines = {}
    for name in _SUMS:
        of_predictor = counted[counted["predictor"] == name]
        labels, rows = (of_predictor[column].to_numpy() for column in ("label", "rows"))
        known = of_predictor["known"].to_numpy() / rows
        means = (known + of_predictor["missing"].to_numpy() * rating) / _divisor(name)
        lines[name] = fit_rising_line(name, means, labels, rows)
    return NaiveFit(share, rating, lines)


def naive_scores(fit: NaiveFit, samples_name: str) -> list[Column]:
    """The scores by the naive predictors of rows with the columns TAKEN.

    - constant: the share of positives among training rows.
    - movie_mean: the mean of the movie's ratings that the row may know.
    - mean_of_means: the mean of that and of the user's mean.
    - additive: the movie's bias plus the user's (see mmdin.features.biases).

    A mean that is not known is replaced by the training rows' mean rating. A logistic regression of
    the label on the means, in stars, over the training rows makes them probabilities in the same
    order, or equal if the order would be the opposite one.

    Args:
        fit: of fit_naive on the same samples.
        samples_name: samples.name, for the predictors' run_id.
    """
    scores = {"constant": F.lit(fit.positive_share)}
    for name, line in fit.lines.items():
        scores[name] = probability(line, _mean(name, fit.rating))
    return [one_score(naive_run_id(name, samples_name), name, s) for name, s in scores.items()]


def add_truth(rows: DataFrame, true_probabilities: DataFrame) -> DataFrame:
    """Add column probability of table true_probabilities; null if it lacks the row."""
    planted = true_probabilities.select("user_id", "movie_id", "probability")
    return rows.join(planted, on=["user_id", "movie_id"], how="left")


def best_possible_score(samples_name: str) -> Column:
    """The score by the planted probability of rows of add_truth: no model can rank better.

    count_scores refuses rows without one.

    Args:
        samples_name: samples.name, for the predictor's run_id.
    """
    run_id = naive_run_id(BEST_POSSIBLE, samples_name)
    return one_score(run_id, BEST_POSSIBLE, F.col("probability"))


def _count_means(training_rows: DataFrame) -> pd.DataFrame:
    """Training rows with about the same mean and the same label, counted for each predictor.

    Returns:
        predictor; missing: how many of its columns are null; label; rows; stars: sum of ratings;
        known: sum over the rows and the columns that are not null.
    """
    means = [
        F.struct(
            F.lit(name).alias("predictor"),
            sum((F.col(c).isNull().cast("int") for c in columns), F.lit(0)).alias("missing"),
            sum((F.coalesce(c, F.lit(0.0)) for c in columns), F.lit(0.0)).alias("known"),
        )
        for name, columns in _SUMS.items()
    ]
    step = F.round(F.col("known") * _STEPS_PER_STAR).alias("step")
    counted: pd.DataFrame = (
        training_rows.select("label", "rating", F.inline(F.array(*means)))
        .groupBy("predictor", "missing", "label", step)
        .agg(
            F.count("*").alias("rows"),
            F.sum("rating").alias("stars"),
            F.sum("known").alias("known"),
        )
        .toPandas()
    )
    # Sums depend on the order of their terms.
    return counted.sort_values(["predictor", "missing", "step", "label"], ignore_index=True)


def _mean(name: str, rating: float) -> Column:
    columns = [F.coalesce(c, F.lit(rating)) for c in _SUMS[name]]
    return sum(columns[1:], columns[0]) / _divisor(name)


def _divisor(name: str) -> int:
    return len(_MEANS.get(name, (name,)))
