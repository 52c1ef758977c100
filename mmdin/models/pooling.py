"""Pooling over a variable number of embeddings."""

import tensorflow as tf


def masked_mean(vectors: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Mean over the second last axis of what the mask keeps; zero where it keeps nothing.

    Args:
        vectors: float32 [..., n, d].
        mask: float32 [..., n], 1 keeps and 0 leaves out.

    Returns:
        float32 [..., d].
    """
    # A product and a sum rather than an einsum: XLA on CPU makes slow loops of small batched dots.
    kept = tf.reduce_sum(mask, axis=-1, keepdims=True)
    return tf.reduce_sum(vectors * mask[..., None], axis=-2) / tf.maximum(kept, 1.0)
