"""Gradients of a large table by its rows: those that a batch looks up, each once."""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from mmdin.training.ranks import Communicator


class RowGradients(NamedTuple):
    """What a batch says about a table.

    Attributes:
        numbers: int32 [n], the rows that the batch looks up, each once.
        gradients: float32 [n, d], the sums of their gradients.
        lookups: float32 [n], how often each is looked up.
    """

    numbers: tf.Tensor
    gradients: tf.Tensor
    lookups: tf.Tensor


def sum_by_row(numbers: tf.Tensor, gradients: tf.Tensor, lookups: tf.Tensor) -> RowGradients:
    """Sum what is said about equal rows.

    Args:
        numbers: int32 [any], rows of the table.
        gradients: float32 [any, d].
        lookups: float32 [any].
    """
    rows, positions = tf.unique(tf.reshape(numbers, [-1]))
    count = tf.size(rows)
    # As many gradients as a batch has look-ups: the dense update sums them in the same order.
    gradients = tf.reshape(gradients, [-1, gradients.shape[-1]])
    return RowGradients(
        rows,
        tf.math.unsorted_segment_sum(gradients, positions, count),
        tf.math.unsorted_segment_sum(tf.reshape(lookups, [-1]), positions, count),
    )


def sum_over_ranks(
    of_tables: Sequence[RowGradients], communicator: Communicator
) -> list[RowGradients]:
    """Return each table's rows that any rank looked up, with sums over ranks.

    Ranks exchange the rows of all tables at once, and nothing else of a table.
    """
    if communicator.size == 1 or not of_tables:
        return list(of_tables)
    tensors = [t for of_table in of_tables for t in of_table]
    # One exchange is of one type: the bits of floats travel as integers.
    gathered = communicator.allgather_rows([tf.bitcast(t, tf.int32) for t in tensors])
    values = [tf.bitcast(g, t.dtype) for g, t in zip(gathered, tensors, strict=True)]
    parts = len(RowGradients._fields)
    return [sum_by_row(*values[n : n + parts]) for n in range(0, len(values), parts)]
