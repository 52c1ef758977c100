"""Metrics of one run's scores, and what each user contributes to their uncertainty.

A metric M is a function of the rows' weights, all 1 here. The influence of a row is the derivative
of M with respect to its weight; that of a user is the sum over the user's rows. To first order, a
resampling of users changes M by the sum of (times drawn - 1) * influence, so that the variance of M
over samples of n users is n / (n - 1) * sum of squared influences: the infinitesimal jackknife
(Efron 1982, chapter 6; for the ROC curve, LeDell et al. 2015, doi 10.1214/15-EJS1035). That
takes one sort, while 1,000 bootstrap resamples take 1,000 passes, and differences of two models
pair on users by subtracting influences.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmdin import metrics

METRICS = tuple(metric.name for metric in metrics.METRICS)
"""Names of the metrics, in the order of every array here."""

_EPSILON = 2.0**-52
"""Scores nearer than this to 0 or 1 count as this near in the log loss, as in scikit-learn."""

Floats = NDArray[np.float64]
Integers = NDArray[Any]

_WithInfluence = tuple[float, Floats]


@dataclass(frozen=True)
class Measurement:
    """The metrics of one run's scores.

    Attributes:
        values: float64 [metrics], nan if undefined.
        users: their ids, ascending.
        influences: float64 [users, metrics].
    """

    values: Floats
    users: Integers
    influences: Floats


def measure(users: Integers, labels: NDArray[Any], scores: Floats, threshold: float) -> Measurement:
    """Every metric of METRICS with the users' influences.

    Args:
        users: of each row.
        labels: 0 or 1.
        scores: float64 in 0..1.
        threshold: for the metrics best_*; nan leaves them undefined.
    """
    distinct, user_of = np.unique(users, return_inverse=True)
    labels = labels.astype(np.float64)
    per_row = {
        **_ranked(labels, scores),
        "log_loss": _log_loss(labels, scores),
        **_at_threshold(labels, scores, 0.5, ""),
        **_at_threshold(labels, scores, threshold, "best_"),
    }
    by_name: dict[str, _WithInfluence] = {
        name: (value, _sum_by(user_of, influence, len(distinct)))
        for name, (value, influence) in per_row.items()
    }
    by_name["gauc"] = _grouped_roc_auc(user_of, labels, scores)
    return Measurement(
        values=np.array([by_name[m][0] for m in METRICS]),
        users=distinct,
        influences=np.stack([by_name[m][1] for m in METRICS], axis=1),
    )


def measure_roc_auc(users: Integers, labels: NDArray[Any], scores: Floats) -> tuple[float, Floats]:
    """The ROC AUC alone, with the users' influences.

    Args:
        users: of each row.
        labels: 0 or 1.
        scores: float64, in any range.

    Returns:
        nan if a class is missing; float64 [users, 1], by ascending user.
    """
    distinct, user_of = np.unique(users, return_inverse=True)
    value, influence = _roc_auc(labels, *_count_by_score(labels.astype(np.float64), scores)[1:])
    return value, _sum_by(user_of, influence, len(distinct))[:, None]


def standard_errors(influences: Floats) -> Floats:
    """Of metrics over samples of as many users: float64 [metrics] from [users, metrics].

    nan with fewer than two users.
    """
    n = len(influences)
    if n < 2:
        return np.full(influences.shape[1], np.nan)
    variances: Floats = n / (n - 1) * np.sum(np.square(influences), axis=0)
    return np.sqrt(variances)


def best_threshold(labels: NDArray[Any], scores: Floats) -> float:
    """The score at and above which F1 is largest; the highest of equals; nan without positives."""
    if not labels.any():
        return float("nan")
    distinct, _, positives, negatives = _count_by_score(labels.astype(np.float64), scores)
    hits = np.cumsum(positives)
    f1 = 2 * hits / (hits + np.cumsum(negatives) + hits[-1])
    return float(distinct[np.argmax(f1)])


def _count_by_score(labels: Floats, scores: Floats) -> tuple[Floats, Integers, Floats, Floats]:
    """Count the labels at each score.

    Returns:
        The distinct scores, descending; the number of each row's score among them; the positives
        and the negatives at each.
    """
    negated, at = np.unique(-scores, return_inverse=True)
    positives = _sum_by(at, labels, len(negated))
    return -negated, at, positives, _sum_by(at, np.ones(len(labels)), len(negated)) - positives


def _sum_by(groups: Integers, values: Floats, size: int) -> Floats:
    """The sum of the values of each group from 0 to size - 1."""
    return np.bincount(groups, values, minlength=size).astype(np.float64, copy=False)


def _ranked(labels: Floats, scores: Floats) -> dict[str, _WithInfluence]:
    _, at, positives, negatives = _count_by_score(labels, scores)
    return {
        "roc_auc": _roc_auc(labels, at, positives, negatives),
        "pr_auc": _average_precision(labels, at, positives, negatives),
    }


def _roc_auc(labels: Floats, at: Integers, positives: Floats, negatives: Floats) -> _WithInfluence:
    """Share of pairs of a positive and a negative in which the positive scores higher, ties half.

    A row's influence is its own share of pairs less the mean, divided by the rows of its class.
    """
    p, n = positives.sum(), negatives.sum()
    if p == 0 or n == 0:
        return np.nan, np.full(len(labels), np.nan)
    negatives_below = (n - np.cumsum(negatives) + negatives / 2) / n
    positives_above = (np.cumsum(positives) - positives / 2) / p
    value = float(positives @ negatives_below / p)
    of_positive = (negatives_below[at] - value) / p
    of_negative = (positives_above[at] - value) / n
    return value, np.where(labels == 1, of_positive, of_negative)


def _average_precision(
    labels: Floats, at: Integers, positives: Floats, negatives: Floats
) -> _WithInfluence:
    """Mean over positives of the precision at their score.

    A row changes its own term, and the precision at every score from its score downwards.
    """
    p = positives.sum()
    if p == 0:
        return np.nan, np.full(len(labels), np.nan)
    hits, predicted = np.cumsum(positives), np.cumsum(positives + negatives)
    precision = hits / predicted
    value = float(positives @ precision / p)
    from_here_down = np.cumsum((positives / predicted)[::-1])[::-1]
    lost = np.cumsum((positives * hits / predicted**2)[::-1])[::-1]
    influence = labels * (precision[at] - value + from_here_down[at]) - lost[at]
    return value, influence / p


def _log_loss(labels: Floats, scores: Floats) -> _WithInfluence:
    clipped = np.clip(scores, _EPSILON, 1 - _EPSILON)
    losses = -np.where(labels == 1, np.log(clipped), np.log1p(-clipped))
    value = float(losses.mean())
    return value, (losses - value) / len(losses)


def _at_threshold(
    labels: Floats, scores: Floats, threshold: float, prefix: str
) -> dict[str, _WithInfluence]:
    names = [f"{prefix}{name}" for name in ("f1", "precision", "recall")]
    undefined = (np.nan, np.full(len(labels), np.nan))
    if np.isnan(threshold):
        return dict.fromkeys(names, undefined)
    predicted = (scores >= threshold).astype(np.float64)
    hits = labels * predicted
    precision = _ratio(hits, predicted)
    if not labels.any():
        return dict(zip(names, (undefined, precision, undefined), strict=True))
    found = (_ratio(2 * hits, predicted + labels), precision, _ratio(hits, labels))
    return dict(zip(names, found, strict=True))


def _ratio(above: Floats, below: Floats) -> _WithInfluence:
    """Of two sums over rows; 0 if the lower is 0."""
    total = below.sum()
    if total == 0:
        return 0.0, np.zeros(len(below))
    value = float(above.sum() / total)
    return value, (above - value * below) / total


def _grouped_roc_auc(user_of: Integers, labels: Floats, scores: Floats) -> _WithInfluence:
    """The ROC AUC within each user who has both labels, weighted by rows, and users' influences.

    Zhu et al. 2017 (arXiv 1706.06978, section 5.2, there by impressions).
    """
    order = np.lexsort((scores, user_of))
    user, label, score = user_of[order], labels[order], scores[order]
    is_new = np.append(True, (np.diff(user) != 0) | (np.diff(score) != 0))
    at = np.cumsum(is_new) - 1  # number of the user's distinct score
    negatives_at = np.bincount(at, 1 - label)
    rows, positives = np.bincount(user), np.bincount(user, label)
    negatives = rows - positives
    below_all = np.cumsum(negatives_at) - negatives_at / 2
    before_user = (np.cumsum(negatives) - negatives)[user]
    pairs = np.bincount(user, label * (below_all[at] - before_user))
    both = (positives > 0) & (negatives > 0)
    if not both.any():
        return np.nan, np.full(len(rows), np.nan)
    auc = np.divide(pairs, positives * negatives, out=np.zeros(len(rows)), where=both)
    weight = rows * both
    value = float(weight @ auc / weight.sum())
    return value, weight * (auc - value) / weight.sum()
