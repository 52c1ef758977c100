"""From chunks of rows to shuffled batches of one shape."""

import itertools
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

_AHEAD = 2
"""Batches that are made while training computes."""

TARGETS = ("label", "half_stars")
"""Columns of samples that come before the inputs in a batch."""


class Batch(NamedTuple):
    """The parts of a batch.

    Attributes:
        labels: float32 [rows].
        half_stars: int32 [rows].
        indices: int32 [rows, inputs].
        numbers: float32 [rows, numbers].
        weights: float32 [rows], 0 for rows that only fill up the batch.
    """

    labels: tf.Tensor
    half_stars: tf.Tensor
    indices: tf.Tensor
    numbers: tf.Tensor
    weights: tf.Tensor


def split_batch(batch: tf.Tensor, numbers: int) -> Batch:
    """Split a batch into its parts.

    Args:
        batch: int32 [rows, targets + inputs + numbers + 1], as Batches makes them.
        numbers: how many of its columns hold the bits of numbers.
    """
    weights = batch.shape[1] - 1
    return Batch(
        labels=tf.cast(batch[:, 0], tf.float32),
        half_stars=batch[:, 1],
        indices=batch[:, len(TARGETS) : weights - numbers],
        numbers=tf.bitcast(batch[:, weights - numbers : weights], tf.float32),
        weights=tf.cast(batch[:, weights], tf.float32),
    )


class Batches:
    """Batches of one shape, made of chunks of rows by operations that are traced once.

    All have one shape, so that a step is compiled once, and every rank has as many, so that none
    waits.

    Args:
        columns: of the chunks.
        batch_size: rows of a batch.
        shuffle_rows: each stretch of so many successive rows is shuffled; 0 for none. A stretch is
            permuted at once, because tf.data's own shuffle handles rows one by one.
    """

    def __init__(self, columns: int, batch_size: int, shuffle_rows: int = 0) -> None:
        self._chunks: Iterable[NDArray[np.int32]] = ()
        self._seed = 0
        rows = tf.data.Dataset.from_generator(
            lambda: self._chunks, output_signature=tf.TensorSpec([None, columns], tf.int32)
        )
        if shuffle_rows:
            rows = self._shuffle(rows.rebatch(shuffle_rows))
        weighted = rows.map(lambda rows: tf.pad(rows, [[0, 0], [0, 1]], constant_values=1))
        padding = tf.data.Dataset.from_tensors(tf.zeros([batch_size, columns + 1], tf.int32))
        endless = weighted.concatenate(padding.repeat())
        self._batches = endless.rebatch(batch_size, drop_remainder=True)

    def of(self, chunks: Iterable[NDArray[np.int32]], steps: int, seed: int = 0) -> tf.data.Dataset:
        """Make exactly `steps` batches. Those of earlier chunks must have been read.

        Args:
            chunks: int32 [any, columns] each.
            steps: number of batches.
            seed: of the permutations.

        Returns:
            int32 [batch_size, columns + 1] each. The last column is 1 for the rows read, and 0 for
            rows of zeros that fill up the last batch and any batches after it. Its length is known.
        """
        self._chunks, self._seed = chunks, seed
        options = tf.data.Options()
        # There is nothing to tune here, and the tuning thread can delay the end of an iterator, and
        # so of an epoch, by seconds: most epochs of 3 s took 6 s with two ranks.
        options.autotune.enabled = False
        batches = self._batches.take(steps).prefetch(_AHEAD).with_options(options)
        return batches.apply(tf.data.experimental.assert_cardinality(steps))

    def _shuffle(self, stretches: tf.data.Dataset) -> tf.data.Dataset:
        seeds = tf.data.Dataset.from_generator(
            lambda: ((self._seed, number) for number in itertools.count()),
            output_signature=tf.TensorSpec([2], tf.int32),
        )

        def permute(stretch: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
            draws = tf.random.stateless_uniform(tf.shape(stretch)[:1], seed)
            return tf.gather(stretch, tf.argsort(draws))

        return tf.data.Dataset.zip(stretches, seeds).map(permute)
