"""The genres' embeddings, pooled without a look-up of each slot."""

import keras
import tensorflow as tf


class GenreEmbedding(keras.layers.Layer):
    """Sums of the rows of the genres that a movie's slots name.

    How often a movie names each genre, times the small table. A look-up would gather a row for
    every slot, six times five a sample with a history, and scatter as many gradients.

    Args:
        size: of the vocabulary, index 0 counted, which has no row.
        dimension: numbers per row.
        spread: rows are drawn uniformly from -spread to spread.

    Call arguments:
        slots: int32 [..., slots], each below `size`; 0 names none.

    Output shape:
        float32 [..., dimension].

    Attributes:
        table: float32 [size - 1, dimension], or one unused row if there is no genre.
    """

    def __init__(self, size: int, dimension: int, spread: float = 0.05) -> None:
        super().__init__(dtype="float32")
        self.table = self.add_weight(
            # One row at least: ranks exchange no tensor of nothing.
            shape=(max(size - 1, 1), dimension),
            initializer=keras.initializers.RandomUniform(-spread, spread),
            name="table",
        )

    def call(self, slots: tf.Tensor) -> tf.Tensor:
        genres, dimension = self.table.shape
        # One slot after the other: all at once would write a number for each slot and genre.
        counts = tf.add_n([tf.one_hot(s - 1, genres) for s in tf.unstack(slots, axis=-1)])
        sums = tf.reshape(counts, [-1, genres]) @ self.table.value
        return tf.reshape(sums, [-1, *slots.shape[1:-1], dimension])
