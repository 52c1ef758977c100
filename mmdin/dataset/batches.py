"""From chunks of rows to shuffled batches of one shape."""

from typing import NamedTuple

import tensorflow as tf

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
        batch: int32 [rows, targets + inputs + numbers + 1], as batch_and_pad returns it.
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


def shuffle_within(chunks: tf.data.Dataset, rows: int, seed: int) -> tf.data.Dataset:
    """Shuffle each stretch of `rows` successive rows.

    A stretch is permuted at once, because tf.data's own shuffle handles rows one by one.

    Args:
        chunks: int32 [any, columns] each.
        rows: length of a stretch.
        seed: of the permutations.

    Returns:
        int32 [rows, columns] each; the last may be shorter.
    """

    def permute(number: tf.Tensor, chunk: tf.Tensor) -> tf.Tensor:
        draws = tf.random.stateless_uniform(tf.shape(chunk)[:1], [seed, tf.cast(number, tf.int32)])
        return tf.gather(chunk, tf.argsort(draws))

    return chunks.rebatch(rows).enumerate().map(permute)


def batch_and_pad(chunks: tf.data.Dataset, batch_size: int, steps: int) -> tf.data.Dataset:
    """Make exactly `steps` batches, with a last column of weights.

    All have one shape, so that a step is compiled once, and every rank has as many, so that none
    waits.

    Args:
        chunks: int32 [any, columns] each.
        batch_size: rows of a batch.
        steps: number of batches.

    Returns:
        int32 [batch_size, columns + 1] each. The last column is 1 for the rows read, and 0 for rows
        of zeros that fill up the last batch and any batches after it.
    """
    options = tf.data.Options()
    # There is nothing to tune here, and the tuning thread can delay the end of an iterator, and so
    # of an epoch, by seconds: most epochs of 3 s took 6 s with two ranks.
    options.autotune.enabled = False
    weighted = chunks.map(lambda rows: tf.pad(rows, [[0, 0], [0, 1]], constant_values=1))
    columns = weighted.element_spec.shape[1]
    padding = tf.data.Dataset.from_tensors(tf.zeros([batch_size, columns], tf.int32)).repeat()
    return (
        weighted.concatenate(padding)
        .rebatch(batch_size, drop_remainder=True)
        .take(steps)
        .with_options(options)
    )
