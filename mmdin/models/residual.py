"""Residual blocks and MMDIN's multi-head stacks of them (arXiv 2110.10205, section 3)."""

import keras
import tensorflow as tf

from mmdin.models.dense import PReLU
from mmdin.models.noise import Noise


class ResidualBlock(keras.layers.Layer):
    """x + hidden(x), where hidden is dense, PReLU, dropout, dense (He et al. 2016).

    Args:
        width: numbers per row, in and out.
        dropout: share of the hidden numbers dropped in training.
        kernel_regularizer: penalty of the dense layers' weights.

    Call arguments:
        x: float32 [batch, width].
        noise: what drops numbers; nothing does without.

    Output shape:
        float32 [batch, width].
    """

    def __init__(
        self,
        width: int,
        dropout: float = 0.0,
        kernel_regularizer: keras.regularizers.Regularizer | None = None,
    ) -> None:
        super().__init__()
        self.first = keras.layers.Dense(width, kernel_regularizer=kernel_regularizer)
        self.activation = PReLU()
        self.dropout = dropout
        self.second = keras.layers.Dense(width, kernel_regularizer=kernel_regularizer)

    def call(self, x: tf.Tensor, noise: Noise | None = None) -> tf.Tensor:
        hidden = self.activation(self.first(x))
        return x + self.second(noise.drop(hidden, self.dropout) if noise else hidden)


class MultiHeadResNet(keras.layers.Layer):
    """Parallel stacks of residual blocks over the same input, added.

    Args:
        heads: number of stacks.
        blocks: residual blocks in each.
        width: numbers per row, in and out.
        dropout: share of each block's hidden numbers dropped in training.
        kernel_regularizer: penalty of the dense layers' weights.

    Call arguments:
        x: float32 [batch, width].
        noise: what drops numbers; nothing does without.

    Output shape:
        float32 [batch, width].
    """

    def __init__(
        self,
        heads: int,
        blocks: int,
        width: int,
        dropout: float = 0.0,
        kernel_regularizer: keras.regularizers.Regularizer | None = None,
    ) -> None:
        super().__init__()
        self.stacks = [
            [ResidualBlock(width, dropout, kernel_regularizer) for _ in range(blocks)]
            for _ in range(heads)
        ]

    def call(self, x: tf.Tensor, noise: Noise | None = None) -> tf.Tensor:
        heads = []
        for stack in self.stacks:
            head = x
            for block in stack:
                head = block(head, noise=noise)
            heads.append(head)
        return tf.add_n(heads)
