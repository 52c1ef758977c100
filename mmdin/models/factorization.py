"""The factorization machine's pairwise term."""

import tensorflow as tf


def pairwise_interactions(fields: tf.Tensor) -> tf.Tensor:
    """Sum the inner products of all pairs of fields (Rendle 2010, lemma 3.1).

    Computed as half the difference of the squared sum of the vectors and the sum of their squares.

    Args:
        fields: float32 [batch, n, d], one vector per field.

    Returns:
        float32 [batch].
    """
    square_of_sum = tf.square(tf.reduce_sum(fields, axis=1))
    sum_of_squares = tf.reduce_sum(tf.square(fields), axis=1)
    return 0.5 * tf.reduce_sum(square_of_sum - sum_of_squares, axis=-1)
