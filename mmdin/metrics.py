"""The metrics: the one list that evaluation, the tables and the report share.

To add a metric: list it here, and compute its value and its users' influences in
mmdin.evaluation.statistics.measure.
"""

import math
from dataclasses import dataclass
from typing import Literal

Threshold = Literal["none", "0.5", "best_threshold"]


@dataclass(frozen=True)
class Metric:
    """A number that compares a run's scores with the labels, with an interval over users.

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
    Metric("pr_auc", "PR AUC", "average precision"),
    Metric("gauc", "GAUC", "ROC AUC within each user who has both labels, weighted by rows"),
    Metric(
        "log_loss",
        "log loss",
        "mean negative log-likelihood, nats",
        higher_is_better=False,
        upper_bound=math.inf,
    ),
    Metric("f1", "F1", "at threshold 0.5", threshold="0.5"),
    Metric("precision", "precision", "at threshold 0.5", threshold="0.5"),
    Metric("recall", "recall", "at threshold 0.5", threshold="0.5"),
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

METRICS_BY_NAME = {metric.name: metric for metric in METRICS}
"""The same by their names."""
