"""Precision-recall and ROC curves of a few rows, exact at ties, and the best point of each."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Curve:
    """A point for each distinct score taken as the threshold at and above which rows are shown.

    thresholds: descending; precision, recall (also the true positive rate) and false_positive_rate:
    float64, one per threshold. A rate of a class without rows is nan.
    """

    thresholds: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    false_positive_rate: np.ndarray

    @property
    def best_f1(self) -> int:
        """The point with the largest F1, the highest threshold of equals: the paper's point A."""
        both = self.precision + self.recall
        f1 = np.divide(
            2 * self.precision * self.recall, both, out=np.zeros_like(both), where=both > 0
        )
        return int(np.argmax(f1))

    @property
    def best_difference(self) -> int:
        """The point with the largest TPR - FPR, the highest threshold of equals: the paper's B."""
        return int(np.argmax(self.recall - self.false_positive_rate))

    @property
    def roc_auc(self) -> float:
        """Area under the ROC curve, by trapezoids from (0, 0): ties count half."""
        x = np.concatenate([[0.0], self.false_positive_rate])
        return float(np.trapz(np.concatenate([[0.0], self.recall]), x))

    @property
    def average_precision(self) -> float:
        """The sum over thresholds of the gain in recall times the precision."""
        return float(np.sum(np.diff(self.recall, prepend=0.0) * self.precision))


def trace(labels: np.ndarray, scores: np.ndarray) -> Curve:
    """The curve of rows' labels (0 or 1) and scores."""
    negated, at = np.unique(-scores, return_inverse=True)
    positives = np.cumsum(np.bincount(at, labels, minlength=len(negated)))
    shown = np.cumsum(np.bincount(at, minlength=len(negated)))
    with np.errstate(invalid="ignore", divide="ignore"):
        return Curve(
            thresholds=-negated,
            precision=positives / shown,
            recall=positives / positives[-1],
            false_positive_rate=(shown - positives) / (shown[-1] - positives[-1]),
        )
