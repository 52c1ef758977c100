"""Which rank reads which files in which epoch, and how many steps that makes."""

import math
from collections.abc import Sequence

import numpy as np

from mmdin.tables import DataFile


def assign_files(
    files: Sequence[DataFile], ranks: int, seed: int, epoch: int
) -> list[list[DataFile]]:
    """Every file to exactly one rank, anew each epoch, with rows shared out evenly.

    The files are shuffled and then given, largest first, to the rank with the fewest rows so far;
    each rank's own files are shuffled again. Every rank computes the same assignment.
    """
    generator = np.random.default_rng([seed, epoch])
    shuffled = [files[n] for n in generator.permutation(len(files))]
    assigned: list[list[DataFile]] = [[] for _ in range(ranks)]
    for file in sorted(shuffled, key=lambda f: -f.rows):
        min(assigned, key=count_rows).append(file)
    return [[own[n] for n in generator.permutation(len(own))] for own in assigned]


def count_rows(files: Sequence[DataFile]) -> int:
    """Rows in all of the files."""
    return sum(f.rows for f in files)


def count_steps(assigned: Sequence[Sequence[DataFile]], batch_size: int) -> int:
    """Steps that every rank takes so that the rank with the most rows reads them all."""
    return max(math.ceil(count_rows(own) / batch_size) for own in assigned)
