"""Adam: by one operation a variable, and of large tables by rows."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from mmdin.training.rank.rows import RowGradients


class Adam:
    """The optimizer of Kingma and Ba 2015 (arXiv 1412.6980), as keras.optimizers.Adam has it.

    Keras' own computes an update in a dozen operations, each of which reads and writes numbers as
    many as the variable has. A step of few rows would spend most of its time so.

    Args:
        variables: what it updates.
        learning_rate: its learning rate.

    Attributes:
        learning_rate: as given.
        state: the moments of the variables, and the number of steps.
    """

    def __init__(self, variables: Sequence[keras.Variable], learning_rate: float) -> None:
        self.learning_rate = learning_rate
        self._variables = [v.value for v in variables]
        self._means, self._squares = (
            [tf.Variable(tf.zeros_like(v)) for v in self._variables] for _ in range(2)
        )
        self._steps = tf.Variable(0, dtype=tf.int64)
        self.state = [*self._means, *self._squares, self._steps]

    def apply(self, gradients: Sequence[tf.Tensor]) -> None:
        """Update each variable by its gradient."""
        step = tf.cast(self._steps.assign_add(1), tf.float32)
        for variable, mean, square, gradient in zip(
            self._variables, self._means, self._squares, gradients, strict=True
        ):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=mean.handle,
                v=square.handle,
                beta1_power=_BETA_1**step,
                beta2_power=_BETA_2**step,
                lr=self.learning_rate,
                beta1=_BETA_1,
                beta2=_BETA_2,
                epsilon=_EPSILON,
                grad=gradient,
            )

    def corrected_rate(self) -> tf.Tensor:
        """Return the learning rate with the correction of the moments' bias at the last step."""
        step = tf.cast(self._steps, tf.float32)
        return self.learning_rate * tf.sqrt(1 - _BETA_2**step) / (1 - _BETA_1**step)


class LazyAdam:
    """Adam of a large table, by the rows that a batch looks up.

    Every other row stays as it is, with its moments: they do not decay, and it does not move by
    them. So a row that every batch looks up learns as with Adam. A row looked up seldom keeps its
    moments from one time to the next, and makes one step each time, where Adam would let it go on
    moving in the same direction for dozens of batches. The moments' bias is corrected by the number
    of all steps.

    Args:
        table: float32 [rows, d].
        adam: the optimizer of the other variables; gives the learning rate and the number of steps,
            and must have been applied first.

    Attributes:
        state: the moments of the rows.
    """

    def __init__(self, table: tf.Variable, adam: Adam) -> None:
        self._table, self._adam = table, adam
        self._means, self._squares = (tf.Variable(tf.zeros_like(table)) for _ in range(2))
        self.state = (self._means, self._squares)

    def apply(self, rows: RowGradients, count: tf.Tensor) -> None:
        """Update the rows that the batch looked up.

        Args:
            rows: sums over the batch. Padding looks nothing up.
            count: rows of the batch, by which sums become means.
        """
        gradients, numbers = rows.gradients / count, rows.numbers
        looked_up = tf.cast(rows.lookups > 0, tf.float32)[:, None]
        mean, square = tf.gather(self._means, numbers), tf.gather(self._squares, numbers)
        # In single precision, as the operation of Adam subtracts.
        mean += looked_up * (1 - tf.constant(_BETA_1)) * (gradients - mean)
        square += looked_up * (1 - tf.constant(_BETA_2)) * (tf.square(gradients) - square)
        moved = self._adam.corrected_rate() * mean / (tf.sqrt(square) + _EPSILON)
        self._means.scatter_update(tf.IndexedSlices(mean, numbers))
        self._squares.scatter_update(tf.IndexedSlices(square, numbers))
        self._table.scatter_sub(tf.IndexedSlices(looked_up * moved, numbers))


_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-7
