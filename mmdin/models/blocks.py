"""Variables by blocks of rows, so that a large one is read and written without a copy of it."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

_BLOCK_BYTES = 1 << 26


def blocks_of(variable: tf.Variable) -> Iterator[npt.NDArray[Any]]:
    """Yield a variable's values in blocks of rows, in order; a small one's are one block."""
    ranges = row_ranges(variable)
    if len(ranges) == 1:
        yield variable.numpy()
        return
    for start, end in ranges:
        # A slice would first read the whole variable, a look-up does not.
        yield np.asarray(tf.gather(variable, tf.range(start, end)))


def assign_block(variable: tf.Variable, start: int, values: npt.ArrayLike) -> None:
    """Assign values to the rows from `start` on, in place."""
    block = tf.convert_to_tensor(values, variable.dtype)
    if block.shape == variable.shape:
        variable.assign(block)
    else:
        rows = tf.range(start, start + block.shape[0])
        variable.scatter_update(tf.IndexedSlices(block, rows))


def row_ranges(variable: tf.Variable) -> list[tuple[int, int]]:
    """Return the first row of each block and the row after its last."""
    if variable.shape.rank == 0:
        return [(0, 1)]
    rows, *others = variable.shape
    of_block = max(1, _BLOCK_BYTES // (variable.dtype.size * int(np.prod(others))))
    return [(start, min(start + of_block, rows)) for start in range(0, max(rows, 1), of_block)]
