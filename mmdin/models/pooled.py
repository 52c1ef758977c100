"""Embeddings of inputs that a network sees only as their sum."""

import keras
import tensorflow as tf

_MOST_VALUES = 64
"""Up to so many values of an input, a product is faster than a look-up."""


class PooledEmbedding(keras.layers.Layer):
    """The sum of the embeddings of inputs that have a vocabulary each.

    One product of which value each input has, as zeros and ones, with all embeddings: a look-up
    would gather a row for every input, and scatter as many gradients. Inputs of very many values
    are looked up.

    Args:
        inputs: their number.
        size: of the largest vocabulary, index 0 counted, which has no embedding.
        dimension: numbers per embedding.
        spread: embeddings are drawn uniformly from -spread to spread.

    Call arguments:
        indices: int32 [batch, inputs], each below `size`; 0 adds nothing.

    Output shape:
        float32 [batch, dimension].

    Attributes:
        table: float32 [inputs, size - 1, dimension], or one unused value if there is none.
    """

    def __init__(self, inputs: int, size: int, dimension: int, spread: float = 0.05) -> None:
        super().__init__(dtype="float32")
        self.table = self.add_weight(
            shape=(inputs, max(size - 1, 1), dimension),
            initializer=keras.initializers.RandomUniform(-spread, spread),
            name="table",
        )

    def call(self, indices: tf.Tensor) -> tf.Tensor:
        inputs, values, dimension = self.table.shape
        embeddings = tf.reshape(self.table.value, [inputs * values, dimension])
        if values > _MOST_VALUES:
            first = values * tf.range(inputs)
            rows = tf.gather(embeddings, first + tf.maximum(indices - 1, 0))
            return tf.reduce_sum(rows * tf.cast(indices > 0, tf.float32)[..., None], axis=1)
        chosen = tf.reshape(tf.one_hot(indices - 1, values), [-1, inputs * values])
        return chosen @ embeddings
