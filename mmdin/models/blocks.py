"""Variables by blocks of rows, so that a large one is read and written without a copy of it."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from mmdin.storage import row_ranges


def blocks_of(variable: tf.Variable) -> Iterator[npt.NDArray[Any]]:
    """Yield a variable's values in blocks of rows, in order; a small one's are one block."""
    ranges = ranges_of(variable)
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


def move_towards(variable: tf.Variable, target: tf.Variable, share: float) -> None:
    """Move a variable's values by a share of their distance to another's, in place."""
    ranges = ranges_of(variable)
    if len(ranges) == 1:
        # Raw operations: a variable's methods take four times as long, more than what they compute.
        now, to = (
            tf.raw_ops.ReadVariableOp(resource=v.handle, dtype=v.dtype) for v in (variable, target)
        )
        away = tf.raw_ops.Sub(x=now, y=to)
        tf.raw_ops.ResourceApplyGradientDescent(var=variable.handle, alpha=share, delta=away)
        return
    for start, end in ranges:
        rows = tf.range(start, end)
        distances = tf.gather(target, rows) - tf.gather(variable, rows)
        variable.scatter_add(tf.IndexedSlices(share * distances, rows))


def ranges_of(variable: tf.Variable) -> list[tuple[int, int]]:
    """Return the first row of each block and the row after its last."""
    return row_ranges(variable.shape.as_list(), variable.dtype.size)
