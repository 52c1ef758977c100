"""Plain fully connected layers."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from mmdin.models.noise import Noise


class DenseStack(keras.layers.Layer):
    """Fully connected layers, each after dropout of its inputs and before a PReLU.

    Args:
        units: width of each layer.
        dropout: share of each layer's inputs dropped in training.
        kernel_regularizer: penalty of each layer's weights; biases and slopes have none.

    Call arguments:
        x: float32 [..., n]; [batch, n] if there is noise.
        noise: what drops inputs; nothing does without.

    Output shape:
        float32 [..., units[-1]].
    """

    def __init__(
        self,
        units: Sequence[int],
        dropout: float = 0.0,
        kernel_regularizer: keras.regularizers.Regularizer | None = None,
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.steps = [
            layer
            for width in units
            for layer in (
                keras.layers.Dense(width, kernel_regularizer=kernel_regularizer),
                PReLU(),
            )
        ]

    def call(self, x: tf.Tensor, noise: Noise | None = None) -> tf.Tensor:
        for layer in self.steps:
            if noise and isinstance(layer, keras.layers.Dense):
                x = noise.drop(x, self.dropout)
            x = layer(x)
        return x


class PReLU(keras.layers.Layer):
    """max(0, x) + slope * min(0, x) with a slope learned per unit (He et al. 2015, eq. 1).

    Unlike Keras' own layer, the slope is shared over every axis but the last.
    """

    def build(self, shape: tuple[int, ...]) -> None:
        self.slope = self.add_weight(
            shape=(shape[-1],), initializer=keras.initializers.Constant(0.25), name="slope"
        )

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return tf.nn.relu(x) - self.slope.value * tf.nn.relu(-x)
