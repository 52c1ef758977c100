"""Adam, by one operation a variable."""

from collections.abc import Sequence

import keras
import tensorflow as tf


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


_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-7
