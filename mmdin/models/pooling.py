"""Pooling over a variable number of embeddings."""

import tensorflow as tf


def masked_mean(vectors: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Average the vectors that the mask includes; zero if it includes none.

    Args:
        vectors: float32 [..., n, d].
        mask: float32 [..., n], 1 to include a vector and 0 to leave it out.

    Returns:
        float32 [..., d].
    """
    # A product and a sum rather than an einsum: XLA on CPU makes slow loops of small batched dots.
    count = tf.reduce_sum(mask, axis=-1, keepdims=True)
    return tf.reduce_sum(vectors * mask[..., None], axis=-2) / tf.maximum(count, 1.0)
