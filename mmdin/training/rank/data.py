"""The batches of one rank."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

import tensorflow as tf

from mmdin.dataset.batches import TARGETS, batch_and_pad, shuffle_within
from mmdin.dataset.reader import read_rows
from mmdin.dataset.sharding import assign_files, count_rows, count_steps
from mmdin.models.network import RatingNetwork
from mmdin.storage import Files, local_copies
from mmdin.tables import DataFile
from mmdin.training.assignment import Assignment
from mmdin.training.ranks import Ranks


class RankData:
    """This rank's batches: int32 [batch_size, targets + inputs + 1]."""

    def __init__(
        self, assignment: Assignment, ranks: Ranks, network: RatingNetwork, files: Files
    ) -> None:
        self._assignment, self._ranks, self._files = assignment, ranks, files
        self._said = False
        self._columns = [*TARGETS, *(i.column for i in network.inputs_taken)]
        self._validation: list[tf.Tensor] | None = None

    def check_all_read(self, trained: float, validated: int) -> None:
        """Raises RuntimeError where the ranks together did not see every row of an epoch."""
        assignment = self._assignment
        expected = count_rows(assignment.train_files), count_rows(assignment.validation_files)
        if (trained, validated) != expected:
            raise RuntimeError(
                f"of {expected[0]} training and {expected[1]} validation rows, {trained:.0f} and "
                f"{validated} were read"
            )

    @contextlib.contextmanager
    def training(self, epoch: int) -> Iterator[tf.data.Dataset]:
        """Shuffled batches of the epoch: all rows once over the ranks, as many steps on each."""
        training, own_seed = self._assignment.config.training, self._assignment.seed
        assigned = assign_files(self._assignment.train_files, self._ranks.size, own_seed, epoch)
        steps = count_steps(assigned, training.batch_size)
        seed = own_seed * 1_000_003 + epoch * 1009 + self._ranks.rank
        with self._rows(assigned[self._ranks.rank], seed % 2**31 + 1) as chunks:
            shuffled = shuffle_within(chunks, training.shuffle_rows, seed % 2**31)
            yield batch_and_pad(shuffled, training.batch_size, steps).prefetch(2)

    def validation(self) -> list[tf.Tensor]:
        """This rank's validation batches, read once and kept."""
        if self._validation is None:
            batch_size = self._assignment.config.training.batch_size
            assigned = assign_files(
                self._assignment.validation_files,
                self._ranks.size,
                self._assignment.seed,
                epoch=0,
            )
            steps = count_steps(assigned, batch_size)
            with self._rows(assigned[self._ranks.rank], seed=1) as chunks:
                self._validation = list(batch_and_pad(chunks, batch_size, steps))
        return self._validation

    @contextlib.contextmanager
    def _rows(self, own: Sequence[DataFile], seed: int) -> Iterator[tf.data.Dataset]:
        with local_copies(self._files, [f.url for f in own], self._say_once) as paths:
            # Petastorm takes a URL's path as it is: nothing may be quoted in it.
            local = [replace(f, url=f"file://{p}") for f, p in zip(own, paths, strict=True)]
            with read_rows(local, self._columns, seed) as chunks:
                yield chunks

    def _say_once(self, what: str) -> None:
        if not self._said:
            ranks = self._ranks
            print(f"rank {ranks.rank} on {ranks.host}: {what}, anew each epoch", flush=True)
        self._said = True
