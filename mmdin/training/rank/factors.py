"""How the embeddings of a matrix factorisation learn."""

import tensorflow as tf

from mmdin.models.network import RatingNetwork


class Factors:
    """The table's rows that are a matrix factorisation's, and how they learn.

    Each moves by factor_learning_rate times the sum of its gradients. Adam would give rows that are
    seldom looked up steps as large as the others', and scale the penalty away with the gradient:
    with it, users and movies of few ratings learn their noise.

    Args:
        network: the network; its factor_groups are the factors.
        learning_rate: training.factor_learning_rate.

    Attributes:
        rows: float32 [rows, 1], 1 where a row of the table is a factor.
    """

    def __init__(self, network: RatingNetwork, learning_rate: float) -> None:
        factors = [i for i in network.inputs_taken if i.group in network.factor_groups]
        is_factor = network.table.is_row_of({i.vocabulary for i in factors})
        self.rows = tf.constant(is_factor[:, None], tf.float32)
        self._columns = [n for n, i in enumerate(network.inputs_looked_up) if i in factors]
        self._rate = learning_rate

    def lookups(self, weights: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
        """Return how often the batch looks each row of the table up as a factor: float32 [rows].

        Args:
            weights: float32 [batch].
            rows: int32 [batch, inputs looked up], rows of the table.
        """
        return tf.math.unsorted_segment_sum(
            tf.tile(weights, [len(self._columns)]),
            tf.concat([tf.zeros([0], tf.int32), *(rows[:, n] for n in self._columns)], axis=0),
            self.rows.shape[0],
        )

    def step(self, gradients: tf.Tensor, lookups: tf.Tensor) -> tf.Tensor:
        """Return what to subtract from the table: float32 [rows, d or d + 1].

        The rate falls with the number of a row's lookups in the batch, times the log loss' largest
        curvature, 1/4: no row overshoots, in a batch of any size.

        Args:
            gradients: float32 [rows, d or d + 1], summed over the batch.
            lookups: float32 [rows], how often the batch looked the row up as a factor.
        """
        rates = self.rows * self._rate / (1 + self._rate * lookups[:, None] / 4)
        return rates * gradients
