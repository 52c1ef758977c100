"""From chunks of rows to shuffled batches of one shape."""

from typing import NamedTuple

import tensorflow as tf

TARGETS = ("label", "half_stars")
"""Columns of samples that stand before the inputs in a batch."""


class Batch(NamedTuple):
    """The parts of a batch.

    labels: float32 [rows]; half_stars: int32 [rows]; indices: int32 [rows, inputs]; weights:
    float32 [rows], 0 for rows that only fill the batch up.
    """

    labels: tf.Tensor
    half_stars: tf.Tensor
    indices: tf.Tensor
    weights: tf.Tensor


def split_batch(batch: tf.Tensor) -> Batch:
    """The parts of int32 [rows, targets + inputs + 1], as batch_and_pad gives them."""
    return Batch(
        labels=tf.cast(batch[:, 0], tf.float32),
        half_stars=batch[:, 1],
        indices=batch[:, len(TARGETS) : -1],
        weights=tf.cast(batch[:, -1], tf.float32),
    )


def shuffle_within(chunks: tf.data.Dataset, rows: int, seed: int) -> tf.data.Dataset:
    """Rows shuffled among every `rows` successive ones, whole chunks at a time.

    Takes and gives int32 [any, columns]. A chunk is permuted at once, because tf.data's own
    shuffle handles rows one by one.
    """

    def permute(number: tf.Tensor, chunk: tf.Tensor) -> tf.Tensor:
        draws = tf.random.stateless_uniform(tf.shape(chunk)[:1], [seed, tf.cast(number, tf.int32)])
        return tf.gather(chunk, tf.argsort(draws))

    return chunks.rebatch(rows).enumerate().map(permute)


def batch_and_pad(chunks: tf.data.Dataset, batch_size: int, steps: int) -> tf.data.Dataset:
    """Exactly `steps` batches, with a last column that weighs each row.

    Takes int32 [any, columns], gives int32 [batch_size, columns + 1]: the last column is 1 for the
    rows read and 0 for rows of zeros that fill up the last batch and batches after it. One shape
    for all, so that a step is compiled once, and as many for every rank, so that none waits.
    """
    options = tf.data.Options()
    # There is nothing to tune here, and the thread that would can keep an iterator from ending, and
    # with it an epoch, for seconds: most epochs of 3 s took 6 s with two ranks.
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
