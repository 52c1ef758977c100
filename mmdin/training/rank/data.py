"""The batches of one rank."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

import tensorflow as tf

from mmdin.dataset.batches import TARGETS, Batches
from mmdin.dataset.reader import Rows, read_rows
from mmdin.dataset.sharding import assign_files, count_rows, count_steps
from mmdin.models.network import RatingNetwork
from mmdin.storage import Files, local_copies, plain_names
from mmdin.tables import DataFile
from mmdin.training.assignment import Assignment
from mmdin.training.ranks import Communicator


class RankData:
    """This rank's batches: int32 [batch_size, targets + inputs + numbers + 1].

    Args:
        assignment: names the files, the seed and the batch size.
        communicator: tells which rank this is, of how many.
        network: takes the columns that are read.
        files: this rank's access to storage.
    """

    def __init__(
        self,
        assignment: Assignment,
        communicator: Communicator,
        network: RatingNetwork,
        files: Files,
    ) -> None:
        self._assignment, self._communicator, self._files = assignment, communicator, files
        self._copying_reported = False
        self._columns = [*TARGETS, *(i.column for i in network.inputs_taken)]
        self._numbers = [n.column for n in network.numbers_taken]
        self._validation: list[tf.Tensor] | None = None
        self._batches = self._make_batches(assignment.config.training.shuffle_rows)

    def check_all_read(self, trained: float, validated: int) -> None:
        """Check that the ranks together read every row of an epoch.

        Args:
            trained: training rows that were read, over all ranks.
            validated: validation rows that were read, over all ranks.

        Raises:
            RuntimeError: they did not.
        """
        assignment = self._assignment
        expected = count_rows(assignment.train_files), count_rows(assignment.validation_files)
        if (trained, validated) != expected:
            raise RuntimeError(
                f"of {expected[0]} training and {expected[1]} validation rows, {trained:.0f} and "
                f"{validated} were read"
            )

    @contextlib.contextmanager
    def training(self, epoch: int) -> Iterator[tf.data.Dataset]:
        """Open the shuffled batches of an epoch, as many on each rank.

        The ranks together read every row once.
        """
        batch_size, run_seed = self._assignment.config.training.batch_size, self._assignment.seed
        rank, ranks = self._communicator.rank, self._communicator.size
        assigned = assign_files(self._assignment.train_files, ranks, run_seed, epoch)
        steps = count_steps(assigned, batch_size)
        seed = run_seed * 1_000_003 + epoch * 1009 + rank
        with self._rows(assigned[rank], seed % 2**31 + 1) as chunks:
            yield self._batches.of(chunks, steps, seed % 2**31)

    def validation(self) -> list[tf.Tensor]:
        """Return this rank's validation batches, which are read once and kept in memory."""
        if self._validation is None:
            assignment, communicator = self._assignment, self._communicator
            batch_size = assignment.config.training.batch_size
            assigned = assign_files(
                assignment.validation_files, communicator.size, assignment.seed, epoch=0
            )
            steps = count_steps(assigned, batch_size)
            with self._rows(assigned[communicator.rank], seed=1) as chunks:
                self._validation = list(self._make_batches().of(chunks, steps))
        return self._validation

    def _make_batches(self, shuffle_rows: int = 0) -> Batches:
        width = len(self._columns) + len(self._numbers)
        return Batches(width, self._assignment.config.training.batch_size, shuffle_rows)

    @contextlib.contextmanager
    def _rows(self, files: Sequence[DataFile], seed: int) -> Iterator[Iterator[Rows]]:
        # Petastorm cuts a URL at `#` and `?`, and uses the rest of its path literally: nothing in
        # it may be quoted, and nothing may need to be.
        with (
            local_copies(self._files, [f.url for f in files], self._report_copying) as copies,
            plain_names(copies) as paths,
            read_rows(
                [replace(f, url=f"file://{p}") for f, p in zip(files, paths, strict=True)],
                self._columns,
                self._numbers,
                seed,
            ) as chunks,
        ):
            yield chunks

    def _report_copying(self, message: str) -> None:
        if not self._copying_reported:
            rank, host = self._communicator.rank, self._communicator.host
            print(f"rank {rank} on {host}: {message}, again in each epoch", flush=True)
        self._copying_reported = True
