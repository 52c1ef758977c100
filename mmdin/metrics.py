"""The metrics: the lists that evaluation, the tables and the report share.

To add a metric of scores: list it in METRICS, and compute its value and its users' influences in
mmdin.evaluation.statistics.measure. To add one of recommended lists: list it in RANKING_METRICS,
and compute its value for a user in mmdin.evaluation.ranking.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Threshold = Literal["none", "0.5", "best_threshold"]


@dataclass(frozen=True)
class Metric:
    """A number that compares a run's scores, or its lists, with the labels.

    Attributes:
        name: column of table metrics.
        title: what the console and the report call it.
        comment: the column's comment.
        higher_is_better: whether the larger of two values is the better one.
        threshold: the score from which a row counts as predicted positive; best_threshold is the
            one with the largest F1 on validation rows; none for metrics of the scores themselves.
        upper_bound: the largest value that it can have; the smallest is 0.
    """

    name: str
    title: str
    comment: str
    higher_is_better: bool = True
    threshold: Threshold = "none"
    upper_bound: float = 1.0


METRICS = (
    Metric("roc_auc", "ROC AUC", "area under the ROC curve, ties by mid-rank; null with one class"),
    Metric("pr_auc", "PR AUC", "average precision; null without positives"),
    Metric(
        "gauc",
        "GAUC",
        "ROC AUC within each user who has both labels, weighted by rows; null if none has",
    ),
    Metric(
        "log_loss",
        "log loss",
        "mean negative log-likelihood, nats",
        higher_is_better=False,
        upper_bound=math.inf,
    ),
    Metric("f1", "F1", "at threshold 0.5; null without positives", threshold="0.5"),
    Metric("precision", "precision", "at threshold 0.5; 0 if nothing is above it", threshold="0.5"),
    Metric("recall", "recall", "at threshold 0.5; null without positives", threshold="0.5"),
    Metric("best_f1", "F1*", "F1 on test rows at best_threshold", threshold="best_threshold"),
    Metric(
        "best_precision",
        "precision*",
        "precision on test rows at best_threshold",
        threshold="best_threshold",
    ),
    Metric(
        "best_recall",
        "recall*",
        "recall on test rows at best_threshold",
        threshold="best_threshold",
    ),
)
"""Every metric, in the order in which they are shown."""

RANKING_METRICS: tuple[Metric, ...] = (
    Metric("ndcg", "NDCG", "gain of likes, 1 / log2(rank + 1), by that of the best possible list"),
    Metric("recall", "recall", "share of the user's relevant movies that are in the list"),
    Metric("precision", "precision", "share of the list's places that hold a relevant movie"),
    Metric(
        "map",
        "MAP",
        "sum of the precision at each relevant movie's rank, by that of the best possible list",
    ),
    Metric("mrr", "MRR", "1 / rank of the first relevant movie; 0 if there is none"),
    Metric("hit_rate", "hit rate", "1 if a relevant movie is in the list, else 0"),
    Metric(
        "novelty",
        "novelty",
        "mean over the list of -log2 of the share of users who had rated the movie, bits",
        upper_bound=math.inf,
    ),
    Metric("coverage", "coverage", "share of the catalogue's movies that are in any user's list"),
)
"""Every metric of lists of recommended movies, in the order in which they are shown.

All but coverage are means over users with a relevant movie. Of the last two, more is not better by
itself.
"""

RANKING_METHODS = ("popularity", "als", "network", "combined")
"""Orders of recommended movies that are compared: see docs/how-to/recommend.md."""

ALL = "all"
"""The dimension, and its one slice, of every test row; the slice of every user."""

RANKING_SLICES = (ALL, "known", "new")
"""Users whose lists are measured: all, those with an earlier rating, and the others."""

METRICS_BY_NAME = {metric.name: metric for metric in (*RANKING_METRICS, *METRICS)}
"""All of them by their names; of two with one name, that of scores."""

MAIN_SLICES = {
    "new users": ("user", "new"),
    "known users": ("user", "known"),
    "new movies": ("movie", "new"),
    "known movies": ("movie", "known"),
}
"""Dimension and slice, by title, of the slices that are shown with all test rows."""

MAIN_METRICS = ("roc_auc", "gauc")
"""Names of the metrics that are shown of them."""


def explain_undefined(runs: Iterable[Mapping[str, Any]]) -> list[str]:
    """Why metrics or their intervals are null, a sentence for each protocol and cause.

    Args:
        runs: columns of table metrics; null is None or nan.
    """
    sentences: dict[str, None] = {}
    for run in runs:
        missing = [metric for metric in METRICS if _is_null(run[metric.name])]
        for cause in dict.fromkeys(_why_undefined(metric, run) for metric in missing):
            titles = [m.title for m in missing if _why_undefined(m, run) == cause]
            sentences[f"Protocol {run['protocol']}: {cause}, so {_are_undefined(titles)}."] = None
        if run["users"] == 1:
            sentences[
                f"Protocol {run['protocol']}: all test rows are of one user, so there are no "
                "intervals."
            ] = None
    return list(sentences)


def _why_undefined(metric: Metric, run: Mapping[str, Any]) -> str:
    if metric.threshold == "best_threshold" and _is_null(run["best_threshold"]):
        return "no validation row is positive"
    if run["positives"] == 0:
        return "no test row is positive"
    if run["positives"] == run["rows"]:
        return "all test rows are positive"
    return "no user has test rows of both labels"


def _are_undefined(titles: list[str]) -> str:
    *others, last = titles
    return f"{', '.join(others)} and {last} are undefined" if others else f"{last} is undefined"


def _is_null(value: float | None) -> bool:
    return value is None or math.isnan(value)
