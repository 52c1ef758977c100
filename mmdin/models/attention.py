"""Attention of the candidate movie on the user's praised movies."""

from collections.abc import Sequence
from typing import Literal

import keras
import tensorflow as tf

from mmdin.models.dense import DenseStack
from mmdin.models.pooling import masked_mean

Interaction = Literal["outer", "difference", "concatenation"]


class InterestAttention(keras.layers.Layer):
    """Pools a history with one weight per praised movie, computed against the candidate.

    A dense stack maps each pair of praised movie h and candidate c to one weight w; the result is
    sum(w * h), not softmaxed, so that its length tells how strong the interest is. What pairs of h
    and c are described by:

    - outer: h, c and their outer product, flattened (MMDIN, arXiv 2110.10205, section 3).
    - difference: h, c, h - c and h * c (DIN, Zhou et al. 2018, arXiv 1706.06978, section 4.3).
    - concatenation: h and c alone.

    Args:
        units: widths of the dense stack before the weight.
        interaction: outer, difference or concatenation.

    Call: history float32 [batch, positions, d], mask float32 [batch, positions], candidate float32
    [batch, d] -> float32 [batch, d]. Positions with mask 0 add nothing.
    """

    def __init__(self, units: Sequence[int], interaction: Interaction) -> None:
        super().__init__()
        self.interaction = interaction
        self.hidden = DenseStack(units)
        self.weight = keras.layers.Dense(1)

    def call(self, history: tf.Tensor, mask: tf.Tensor, candidate: tf.Tensor) -> tf.Tensor:
        weights = self.weights_of(history, mask, candidate)
        return tf.reduce_sum(weights[..., None] * history, axis=1)

    def weights_of(self, history: tf.Tensor, mask: tf.Tensor, candidate: tf.Tensor) -> tf.Tensor:
        """The weights float32 [batch, positions], 0 where the mask is."""
        pairs = self._describe(history, candidate)
        return tf.squeeze(self.weight(self.hidden(pairs)), -1) * mask

    def _describe(self, history: tf.Tensor, candidate: tf.Tensor) -> tf.Tensor:
        c = tf.broadcast_to(candidate[:, None, :], tf.shape(history))
        if self.interaction == "difference":
            return tf.concat([history, c, history - c, history * c], axis=-1)
        if self.interaction == "concatenation":
            return tf.concat([history, c], axis=-1)
        positions, d = history.shape[1:]
        outer = tf.reshape(history[..., :, None] * c[..., None, :], [-1, positions, d * d])
        return tf.concat([history, c, outer], axis=-1)


class UniformAttention(keras.layers.Layer):
    """Pools a history as its plain mean, whatever the candidate: attention's control.

    Call and weights_of: as InterestAttention's.
    """

    def call(self, history: tf.Tensor, mask: tf.Tensor, candidate: tf.Tensor) -> tf.Tensor:
        return masked_mean(history, mask)

    def weights_of(self, history: tf.Tensor, mask: tf.Tensor, candidate: tf.Tensor) -> tf.Tensor:
        return mask / tf.maximum(tf.reduce_sum(mask, axis=-1, keepdims=True), 1.0)
