"""From a poster's looks, standard normal, to measures of its pixels."""

import math

import numpy as np
from numpy.typing import NDArray

_LOWEST = np.array([0.15, 0.25, 0.03])
_HIGHEST = np.array([0.85, 0.75, 0.20])
_normal_share = np.vectorize(lambda x: 0.5 * (1 + math.erf(x / math.sqrt(2))))


def poster_measures(looks: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 3) mean saturation, mean brightness and spatial frequency from (n, 3) looks.

    Each grows with its look and is spread evenly between bounds that drawing can meet.
    """
    measures: NDArray[np.float64] = _LOWEST + (_HIGHEST - _LOWEST) * _normal_share(looks)
    return measures
