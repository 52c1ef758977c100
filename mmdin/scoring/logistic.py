"""Logistic regression on one number or several, by Newton's method."""

import logging
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import Column
from pyspark.sql import functions as F

log = logging.getLogger(__name__)

Floats = NDArray[np.float64]

_EPSILON = 2.0**-52
"""Probabilities nearer than this to 0 or 1 count as this near."""

_STEPS = 50
_CONVERGED = 1e-12


class Plane(NamedTuple):
    """The log-odds of a positive: intercept + the sum of slopes * numbers."""

    intercept: float
    slopes: tuple[float, ...]


class Line(NamedTuple):
    """The log-odds of a positive: intercept + slope * number."""

    intercept: float
    slope: float


def fit_line(numbers: Floats, labels: Floats, weights: Floats) -> Line:
    """Fit the line of largest likelihood; a slope of 0 if all numbers are equal.

    If a number separates the labels perfectly, the slope is large and finite.

    Args:
        numbers: float64 [rows].
        labels: 0 or 1 [rows]; both occur.
        weights: how often each row counts [rows].
    """
    share = np.average(labels, weights=weights)
    center = np.average(numbers, weights=weights)
    scale = np.sqrt(np.average(np.square(numbers - center), weights=weights))
    start = np.array([np.log(share / (1 - share)), 0.0])
    if scale == 0:
        return Line(float(start[0]), 0.0)
    features = np.stack([np.ones(len(numbers)), (numbers - center) / scale])
    intercept, slope = _climb(features, labels, weights / weights.sum(), start)
    return Line(float(intercept - slope * center / scale), float(slope / scale))


def fit_plane(numbers: Floats, labels: Floats) -> Plane:
    """Fit a plane with a standard normal prior on the slope of each number in its deviations.

    So numbers that tell nearly the same share their slope. Numbers that are all equal have none.

    Args:
        numbers: float64 [numbers, rows].
        labels: 0 or 1 [rows]; both occur.
    """
    centers, scales = numbers.mean(axis=1), numbers.std(axis=1)
    scales = np.where(scales > 0, scales, np.inf)
    standardised = (numbers - centers[:, None]) / scales[:, None]
    rows, share = len(labels), labels.mean()
    start = np.zeros(1 + len(numbers))
    start[0] = np.log(share / (1 - share))
    features = np.vstack([np.ones(rows), standardised])
    intercept, *slopes = _climb(features, labels, np.full(rows, 1 / rows), start, ridge=1 / rows)
    per_number = np.array(slopes) / scales
    return Plane(float(intercept - per_number @ centers), tuple(map(float, per_number)))


def fit_rising_line(name: str, stars: Floats, labels: Floats, weights: Floats) -> Line:
    """The same for a number in stars; a flat line at the share of positives if it would fall.

    A number that ranks the wrong way round tells nothing.

    Args:
        name: of the number, for messages.
        stars: as numbers of fit_line.
        labels: as for fit_line.
        weights: as for fit_line.
    """
    line = fit_line(stars, labels, weights)
    if line.slope > 0:
        log.info("score: %s has a slope of %.3f log-odds per star", name, line.slope)
        return line
    share = float(np.average(labels, weights=weights))
    log.warning(
        "score: among training rows a higher %s does not go with more positives (slope %.3f): it "
        "scores every row %.4f, their share of positives",
        *(name, line.slope, share),
    )
    return Line(math.log(share / (1 - share)), 0.0)


def probability(line: Line, number: Column) -> Column:
    """The probability of a positive by a number."""
    return logistic(line.intercept + line.slope * number)


def logistic(log_odds: Column) -> Column:
    """The probability that has these log-odds."""
    return 1 / (1 + F.exp(-log_odds))


def log_odds(probability: Column) -> Column:
    """The log-odds of a probability; finite also for 0 and 1."""
    inside = F.greatest(F.least(probability, F.lit(1 - _EPSILON)), F.lit(_EPSILON))
    return F.log(inside) - F.log1p(-inside)


def _climb(
    features: Floats, labels: Floats, weights: Floats, line: Floats, ridge: float = 0.0
) -> Floats:
    """Newton's steps, each halved until it raises the likelihood: float64 [features].

    The likelihood is less half the ridge times the squared slopes, without the first, the
    intercept.
    """
    penalty = np.full(len(line), ridge)
    penalty[0] = 0

    def climbed(line: Floats) -> float:
        return _likelihood(line @ features, labels, weights) - float(penalty @ line**2) / 2

    likelihood = climbed(line)
    for _ in range(_STEPS):
        probabilities = 1 / (1 + np.exp(-(line @ features)))
        gradient = features @ (weights * (labels - probabilities)) - penalty * line
        hessian = (features * (weights * probabilities * (1 - probabilities))) @ features.T
        hessian += np.diag(penalty)
        if np.linalg.cond(hessian) > 1 / np.finfo(np.float64).eps:
            break
        step = np.linalg.solve(hessian, gradient)
        if np.abs(step).max() < _CONVERGED:
            break
        while (higher := climbed(line + step)) < likelihood:
            step = step / 2
            if np.abs(step).max() < _CONVERGED:
                return line
        line, likelihood = line + step, higher
    return line


def _likelihood(logits: Floats, labels: Floats, weights: Floats) -> float:
    return float(weights @ (labels * logits - np.logaddexp(0, logits)))
