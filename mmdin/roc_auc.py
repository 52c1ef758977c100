"""The exact area under the ROC curve, in NumPy."""

from typing import Any

import numpy as np
import numpy.typing as npt


def roc_auc(labels: npt.NDArray[Any], scores: npt.NDArray[Any]) -> float:
    """Compute the probability that a positive row scores above a negative one.

    Ties count one half.

    Args:
        labels: [rows], 0 or 1.
        scores: [rows].

    Returns:
        The area (Mann-Whitney U with mid-ranks, over positives x negatives); NaN if a class is
        missing, or a score is NaN.
    """
    labels = np.asarray(labels) > 0
    _, group, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    mid_ranks = np.cumsum(sizes) - (sizes - 1) / 2
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if positives == 0 or negatives == 0 or np.isnan(scores).any():
        return float("nan")
    rank_sum = float(mid_ranks[group[labels]].sum())
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)
