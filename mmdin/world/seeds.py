"""Random streams, one for each purpose, so that no result depends on Spark's partitions."""

import numpy as np

CATALOGUE, POPULATION, USER, POSTER = 1, 2, 3, 4
"""Purposes of streams."""


def stream(seed: int, purpose: int, number: int = 0) -> np.random.Generator:
    """The generator of one purpose and one user or movie."""
    return np.random.default_rng((seed, purpose, number))
