"""EmbeddingMLP: every feature but posters and the history's order, through dense layers."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from mmdin.inputs import Group
from mmdin.models.dense import DenseStack
from mmdin.models.network import Fields, RatingNetwork
from mmdin.models.noise import Noise
from mmdin.models.pooling import masked_mean

SINGLE_INPUTS: tuple[Group, ...] = (
    "user",
    "movie",
    "user_statistics",
    "movie_statistics",
    "scene",
)
"""Groups of which each input is a field by itself."""

GROUPS: tuple[Group, ...] = (*SINGLE_INPUTS, "genres", "history", "history_genres", "biases")
"""Every group but the posters'."""


class EmbeddingMLP(RatingNetwork):
    """Embeddings side by side, the history as a plain mean, then dense layers to a logit.

    Deep Crossing without its residual units (Shan et al. 2016), as arXiv 2110.10205 uses it.

    Args:
        hidden_units: widths of the dense layers.
        dropout: share of each dense layer's inputs dropped in training.
        **shared: arguments of RatingNetwork.
    """

    def __init__(self, *, hidden_units: Sequence[int], dropout: float, **shared: Any) -> None:
        super().__init__(GROUPS, **shared)
        self.hidden_units, self.dropout = tuple(hidden_units), dropout
        self.hidden = DenseStack(hidden_units, dropout, self.kernel_regularizer)
        self.logit = keras.layers.Dense(
            1, kernel_regularizer=self.kernel_regularizer, dtype="float32"
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "hidden_units": list(self.hidden_units),
            "dropout": self.dropout,
        }

    def score(self, fields: Fields, noise: Noise | None) -> tf.Tensor:
        vectors = one_vector_per_field(fields)
        described = tf.reshape(vectors, [-1, vectors.shape[1] * vectors.shape[2]])
        return tf.squeeze(self.logit(self.hidden(described, noise=noise)), -1)


def one_vector_per_field(fields: Fields) -> tf.Tensor:
    """Return each input's embedding, the genres' mean and the history's: float32 [batch, n, d]."""
    return tf.concat(
        [
            *(fields.embeddings(group) for group in SINGLE_INPUTS),
            fields.genres()[:, None],
            masked_mean(*fields.history())[:, None],
        ],
        axis=1,
    )
