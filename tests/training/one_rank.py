"""The only rank, without Horovod."""

import os
from collections.abc import Sequence

import numpy as np


class OneRank:
    rank, size, host = 0, 1, "here"

    def __init__(self, gpu_addresses: Sequence[str] = ()) -> None:
        self.gpu_addresses = list(gpu_addresses)

    def sum(self, tensors):
        return list(tensors)

    def gather(self, values: np.ndarray) -> np.ndarray:
        return values

    def gather_objects(self, value):
        return [value]

    def share(self, value):
        return value

    def broadcast(self, variables) -> None:
        """There is nobody else."""

    def give_up(self, message: str) -> None:
        os._exit(1)
