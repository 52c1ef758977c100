"""Precision-recall and ROC curves of a sample of rows, exact at ties, and their best points."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Curve:
    """A point for each distinct score, taken as the threshold: rows at or above it are shown.

    Attributes:
        thresholds: [points], float64, descending.
        precision: [points], float64.
        recall: [points], float64; also the true positive rate. nan if there are no positives.
        false_positive_rate: [points], float64. nan if there are no negatives.
    """

    thresholds: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    false_positive_rate: NDArray[np.float64]

    @property
    def best_f1(self) -> int:
        """The point with the largest F1, the highest threshold of equals: the paper's point A."""
        total = self.precision + self.recall
        f1 = np.divide(
            2 * self.precision * self.recall, total, out=np.zeros_like(total), where=total > 0
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
        return float(np.trapezoid(np.concatenate([[0.0], self.recall]), x))

    @property
    def average_precision(self) -> float:
        """The sum over thresholds of the gain in recall times the precision."""
        return float(np.sum(np.diff(self.recall, prepend=0.0) * self.precision))


def trace(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> Curve:
    """The curve of rows.

    Args:
        labels: [rows], 0 or 1.
        scores: [rows], float64.
    """
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
