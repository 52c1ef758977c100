"""Petastorm's readers of Parquet files. The only module that imports Petastorm."""

import contextlib
import io
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmdin.tables import DataFile

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Petastorm and PyArrow warn about each other's old interfaces
    from petastorm import make_batch_reader
    from petastorm.reader import Reader

Rows = NDArray[np.int32]
"""[rows, columns]."""


@contextlib.contextmanager
def read_rows(
    files: Sequence[DataFile], columns: Sequence[str], numbers: Sequence[str], seed: int
) -> Iterator[Iterator[Rows]]:
    """Read the files' rows once, one row group at a time.

    The order of the row groups is drawn with the seed: the same seed gives the same order. The
    reader is closed with the context.

    Args:
        files: at least one.
        columns: integer columns, in the order in which they are returned.
        numbers: columns of floating-point numbers, returned after them as the bits of float32, so
            that a row is one vector.
        seed: 1 or more; Petastorm treats 0 as no seed.

    Yields:
        The rows of each row group, int32 [rows, columns + numbers].
    """
    with contextlib.ExitStack() as stack:
        # Petastorm warns about its own old interfaces, and prints that it has no cache to clean up.
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        reader = make_batch_reader(
            [f.url for f in files],
            schema_fields=[f"^{c}$" for c in (*columns, *numbers)],
            # Not Petastorm's thread pool: if its queue is empty at the wrong moment (seen in half
            # of the readings of small files), it stops, and rows are lost. tf.data reads ahead in
            # its own thread.
            reader_pool_type="dummy",
            num_epochs=1,
            shuffle_row_groups=True,
            seed=seed,
        )
        stack.callback(_close_quietly, reader)

        yield (_to_vectors(chunk, columns, numbers) for chunk in reader)


def _to_vectors(chunk: Any, columns: Sequence[str], numbers: Sequence[str]) -> Rows:
    integers = [np.asarray(getattr(chunk, c), np.int32) for c in columns]
    bits = [np.asarray(getattr(chunk, n), np.float32).view(np.int32) for n in numbers]
    return np.stack([*integers, *bits], axis=1)


def _close_quietly(reader: Reader) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        reader.__exit__(None, None, None)
