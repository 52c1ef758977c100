"""How the embeddings of a matrix factorisation learn."""

import tensorflow as tf

from mmdin.config import Training
from mmdin.models.network import RatingNetwork


class Factors:
    """The table's rows that are a matrix factorisation's, and how they learn.

    Each moves by factor_learning_rate times the sum of its gradients. Adam would give rows that are
    seldom looked up steps as large as the others', and scale the penalty away with the gradient:
    with it, users and movies of few ratings learn their noise.

    rows: float32 [rows, 1], 1 where a row of the table is a factor.

    Args:
        training_rows: rows of an epoch, over all ranks.
    """

    def __init__(self, network: RatingNetwork, training: Training, training_rows: int) -> None:
        groups = network.factors_of(network.sizes)
        taken = [i for i in network.inputs_taken if i.group in groups]
        is_factor = network.table.is_row_of({i.vocabulary for i in taken})
        self.rows = tf.constant(is_factor[:, None], tf.float32)
        self._columns = tf.constant([[i in taken] for i in network.inputs_taken], tf.float32)
        self._rate = training.factor_learning_rate
        self._poster_l2 = training.poster_l2 / training_rows
        self._l2 = training.factor_l2 * self._columns

    def lookups(self, weights: tf.Tensor) -> tf.Tensor:
        """Weights float32 [batch] of the rows where they look up a factor: [batch, inputs, 1]."""
        return weights[:, None, None] * self._columns

    def penalty(self, rows: tf.Tensor, posters: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """Half the weighted squares of the factors looked up, and of posters: float32 scalar.

        Args:
            rows: float32 [batch, inputs, d + 1], what the batch looked up.
            posters: float32 [batch, d], what posters add to the candidate's factors.
            weights: float32 [batch].
        """
        of_rows = tf.reduce_sum(self._l2 * tf.square(rows), axis=[1, 2])
        of_posters = self._poster_l2 * tf.reduce_sum(tf.square(posters), axis=1)
        return tf.reduce_sum(weights * (of_rows + of_posters)) / 2

    def step(self, gradients: tf.Tensor, lookups: tf.Tensor) -> tf.Tensor:
        """What to take off the table: float32 [rows, d + 1].

        The rate falls with the number of a row's lookups in the batch, times the log loss' largest
        curvature, 1/4: however large the batch, no row overshoots.

        Args:
            gradients: float32 [rows, d + 1], summed over the batch.
            lookups: float32 [rows, 1], how often the batch looked the row up as a factor.
        """
        return self.rows * gradients * self._rate / (1 + self._rate * lookups / 4)
