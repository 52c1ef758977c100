"""Assignment of files to ranks in each epoch, and the number of steps that follows."""

import math
from collections.abc import Sequence

import numpy as np

from mmdin.tables import DataFile


def assign_files(
    files: Sequence[DataFile], ranks: int, seed: int, epoch: int
) -> list[list[DataFile]]:
    """Assign every file to exactly one rank, differently each epoch, with similar numbers of rows.

    The files are shuffled and then assigned, largest first, to the rank with the fewest rows so
    far; each rank's files are shuffled again. Every rank computes the same assignment.

    Args:
        files: in any order that is the same on every rank.
        ranks: number of ranks.
        seed: of the run.
        epoch: from 1, or 0 for validation.

    Returns:
        The files of each rank.
    """
    generator = np.random.default_rng([seed, epoch])
    shuffled = [files[n] for n in generator.permutation(len(files))]
    assigned: list[list[DataFile]] = [[] for _ in range(ranks)]
    for file in sorted(shuffled, key=lambda f: -f.rows):
        min(assigned, key=count_rows).append(file)
    return [[of_rank[n] for n in generator.permutation(len(of_rank))] for of_rank in assigned]


def count_rows(files: Sequence[DataFile]) -> int:
    """Count the rows of all the files."""
    return sum(f.rows for f in files)


def count_steps(assigned: Sequence[Sequence[DataFile]], batch_size: int) -> int:
    """Return the steps that every rank takes so that the rank with the most rows reads all."""
    return max(math.ceil(count_rows(of_rank) / batch_size) for of_rank in assigned)
