"""Attention: what weight each movie that the user liked last has for the candidate."""

from collections.abc import Sequence
from typing import Literal

import keras
import tensorflow as tf

from mmdin.models.dense import DenseStack, PReLU

Interaction = Literal["outer", "difference", "concatenation"]


class InterestAttention(keras.layers.Layer):
    """Weighs each liked movie of a history against the candidate.

    A dense stack maps each pair of liked movie h and candidate c to one weight. Weights are not
    softmaxed, so that they tell how strong the interest is. (The paper's word for liked is
    "praised".) A pair is described by one of:

    - outer: h, c and their outer product, flattened (MMDIN, arXiv 2110.10205, section 3).
    - difference: h, c, h - c and h * c (DIN, Zhou et al. 2018, arXiv 1706.06978, section 4.3).
    - concatenation: h and c alone.

    Args:
        units: widths of the dense stack before the weight.
        interaction: outer, difference or concatenation.
        kernel_regularizer: penalty of the dense layers' weights.

    Call arguments:
        history: float32 [batch, positions, d].
        mask: float32 [batch, positions], 1 for a liked movie and 0 for none.
        candidate: float32 [batch, d].

    Output shape:
        float32 [batch, positions], 0 where the mask is 0.
    """

    def __init__(
        self,
        units: Sequence[int],
        interaction: Interaction,
        kernel_regularizer: keras.regularizers.Regularizer | None = None,
    ) -> None:
        super().__init__(dtype="float32")
        self.first = _FIRST[interaction](units[0], kernel_regularizer)
        self.activation = PReLU()
        self.hidden = DenseStack(units[1:], kernel_regularizer=kernel_regularizer)
        self.weight = keras.layers.Dense(1, kernel_regularizer=kernel_regularizer, dtype="float32")

    def call(self, history: tf.Tensor, mask: tf.Tensor, candidate: tf.Tensor) -> tf.Tensor:
        hidden = self.hidden(self.activation(self.first(history, candidate)))
        return tf.squeeze(self.weight(hidden), -1) * mask


class PairDense(keras.layers.Layer):
    """A dense layer of numbers that describe a pair: of a candidate c and every h of a history.

    Subclasses compute what depends on c alone once for all positions.

    Args:
        units: width.
        kernel_regularizer: penalty of the weights.

    Call arguments:
        history: float32 [batch, positions, d].
        candidate: float32 [batch, d].

    Output shape:
        float32 [batch, positions, units].
    """

    def __init__(
        self,
        units: int,
        kernel_regularizer: keras.regularizers.Regularizer | None = None,
    ) -> None:
        super().__init__()
        self.units = units
        self.kernel_regularizer = kernel_regularizer

    def build(self, history_shape: tuple[int, ...], candidate_shape: tuple[int, ...]) -> None:
        self.kernel = self.add_weight(
            shape=(self.width(candidate_shape[-1]), self.units),
            regularizer=self.kernel_regularizer,
            name="kernel",
        )
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    def width(self, d: int) -> int:
        """Return how many numbers describe a pair of vectors of d numbers."""
        raise NotImplementedError


class ConcatenationDense(PairDense):
    """Of h and c."""

    def width(self, d: int) -> int:
        """As in PairDense."""
        return 2 * d

    def call(self, history: tf.Tensor, candidate: tf.Tensor) -> tf.Tensor:
        of_h, of_c = tf.split(self.kernel.value, 2)
        return _dense(history, of_h) + _of_candidate(candidate, of_c, self.bias.value)


class DifferenceDense(PairDense):
    """Of h, c, h - c and h * c.

    The difference is not formed: its rows of the kernel are added to those of h, and subtracted
    from those of c.
    """

    def width(self, d: int) -> int:
        """As in PairDense."""
        return 4 * d

    def call(self, history: tf.Tensor, candidate: tf.Tensor) -> tf.Tensor:
        of_h, of_c, of_difference, of_product = tf.split(self.kernel.value, 4)
        pair = tf.concat([history, history * candidate[:, None, :]], axis=-1)
        by_pair = tf.concat([of_h + of_difference, of_product], axis=0)
        by_candidate = of_c - of_difference
        return _dense(pair, by_pair) + _of_candidate(candidate, by_candidate, self.bias.value)


class OuterProductDense(PairDense):
    """Of h, c and their outer product, flattened.

    The product is not formed: with W[i, j] the kernel's row for h[i] c[j], it adds
    sum_i h[i] (sum_j c[j] W[i, j]), whose inner sum all positions share.
    """

    def width(self, d: int) -> int:
        """As in PairDense."""
        return 2 * d + d * d

    def call(self, history: tf.Tensor, candidate: tf.Tensor) -> tf.Tensor:
        d = candidate.shape[-1]
        of_h, of_c, of_product = tf.split(self.kernel.value, [d, d, d * d])
        by_c = tf.reshape(tf.transpose(tf.reshape(of_product, [d, d, -1]), [1, 0, 2]), [d, -1])
        of_h += tf.reshape(candidate @ by_c, [-1, d, self.units])
        return history @ of_h + _of_candidate(candidate, of_c, self.bias.value)


_FIRST: dict[Interaction, type[PairDense]] = {
    "outer": OuterProductDense,
    "difference": DifferenceDense,
    "concatenation": ConcatenationDense,
}


def _dense(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """One product for all positions, rather than one for each row of the batch."""
    product = tf.reshape(x, [-1, x.shape[-1]]) @ kernel
    return tf.reshape(product, [-1, x.shape[1], kernel.shape[-1]])


def _of_candidate(candidate: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """What c adds at every position: [batch, 1, units]."""
    return (candidate @ kernel + bias)[:, None, :]


class UniformAttention(keras.layers.Layer):
    """Weighs all liked movies equally, for any candidate: attention's control.

    The weights of a row add up to 1. Its call takes and returns what InterestAttention's does.
    """

    def __init__(self) -> None:
        super().__init__(dtype="float32")

    def call(self, history: tf.Tensor, mask: tf.Tensor, candidate: tf.Tensor) -> tf.Tensor:
        return mask / tf.maximum(tf.reduce_sum(mask, axis=-1, keepdims=True), 1.0)
