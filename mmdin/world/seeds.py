"""Random streams. Each is named by what it is for, so that no result depends on partitions."""

import numpy as np

CATALOGUE, POPULATION, USER, POSTER = 1, 2, 3, 4
"""What a stream is for."""


def stream(seed: int, purpose: int, number: int = 0) -> np.random.Generator:
    """A generator of its own for one purpose and one user or movie."""
    return np.random.default_rng((seed, purpose, number))
