"""Whether scores are probabilities: reliability by bin of scores."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

BINS = 10


class Bin(NamedTuple):
    """The rows whose scores are from bin/10 to below (bin + 1)/10; 1.0 is in the last bin."""

    bin: int
    rows: int
    mean_score: float
    positive_share: float


def calibrate(labels: NDArray[Any], scores: NDArray[np.float64]) -> list[Bin]:
    """The bins that hold rows, in order.

    Args:
        labels: 0 or 1 [rows].
        scores: in 0..1 [rows].
    """
    bin_of = np.minimum(np.floor(scores * BINS), BINS - 1).astype(np.int64)
    rows = np.bincount(bin_of, minlength=BINS)
    score, positives = (np.bincount(bin_of, v, minlength=BINS) for v in (scores, labels))
    return [
        Bin(int(n), int(rows[n]), float(score[n] / rows[n]), float(positives[n] / rows[n]))
        for n in np.flatnonzero(rows)
    ]


def calibration_error(bins: Sequence[Bin]) -> float:
    """The rows-weighted mean over bins of |mean score - positive share|.

    Naeini et al. 2015 (AAAI, expected calibration error).
    """
    gaps = sum(abs(b.mean_score - b.positive_share) * b.rows for b in bins)
    return gaps / sum(b.rows for b in bins)
