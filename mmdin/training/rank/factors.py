"""How the embeddings of a matrix factorisation learn."""

import tensorflow as tf

from mmdin.models.network import RatingNetwork
from mmdin.training.rank.rows import RowGradients


class Factors:
    """The rows of the network's table that are a matrix factorisation's, and how they learn.

    Each moves by factor_learning_rate times the sum of its gradients. Adam would give rows that are
    seldom looked up steps as large as the others', and scale the penalty away with the gradient:
    with it, users and movies of few ratings learn their noise.

    Args:
        network: the network; its factor_inputs are the factors.
        learning_rate: training.factor_learning_rate.

    Attributes:
        rows: float32 [rows, 1], 1 where a row of the table is a factor.
    """

    def __init__(self, network: RatingNetwork, learning_rate: float) -> None:
        factors = network.factor_inputs
        is_factor = network.table.is_row_of({i.vocabulary for i in factors})
        self.rows = tf.constant(is_factor[:, None], tf.float32)
        inputs = [network.inputs_looked_up[n] for n in network.table.columns[0]]
        self._columns = [n for n, i in enumerate(inputs) if i in factors]
        self._rate = learning_rate

    def lookups(self, weights: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
        """Return how often the batch looks each row of the table up as a factor: float32 [rows].

        Args:
            weights: float32 [batch].
            rows: int32 [batch, inputs of the table], its rows.
        """
        return tf.math.unsorted_segment_sum(
            tf.tile(weights, [len(self._columns)]),
            tf.concat([tf.zeros([0], tf.int32), *(rows[:, n] for n in self._columns)], axis=0),
            self.rows.shape[0],
        )

    def step(self, gradients: tf.Tensor, lookups: tf.Tensor) -> tf.Tensor:
        """Return what to subtract from the table: float32 [rows, d or d + 1].

        Args:
            gradients: float32 [rows, d or d + 1], summed over the batch.
            lookups: float32 [rows], how often the batch looked the row up as a factor.
        """
        return self.rows * self._rate / _damping(self._rate, lookups) * gradients


class LargeFactors:
    """A separate table whose rows are factors, and learn as those of Factors do.

    Args:
        table: float32 [rows, d or d + 1].
        learning_rate: training.factor_learning_rate.

    Attributes:
        state: nothing but the table itself is changed.
    """

    state: tuple[tf.Variable, ...] = ()

    def __init__(self, table: tf.Variable, learning_rate: float) -> None:
        self._table, self._rate = table, learning_rate

    def apply(self, rows: RowGradients, count: tf.Tensor) -> None:
        """Move the rows that the batch looked up; others have no gradient.

        Args:
            rows: sums over the batch; its look-ups are those as a factor.
            count: rows of the batch; these steps are by sums.
        """
        moved = self._rate / _damping(self._rate, rows.lookups) * rows.gradients
        self._table.scatter_sub(tf.IndexedSlices(moved, rows.numbers))


def _damping(rate: float, lookups: tf.Tensor) -> tf.Tensor:
    """What a rate is divided by for rows that are looked up so often: float32 [rows, 1].

    The number of look-ups in the batch, times the log loss' largest curvature, 1/4: no row
    overshoots, in a batch of any size.
    """
    return 1 + rate * lookups[:, None] / 4
