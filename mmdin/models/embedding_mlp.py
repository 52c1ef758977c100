"""EmbeddingMLP: every feature but posters and the history's order, through dense layers."""

import keras
import tensorflow as tf

from mmdin.config import Networks
from mmdin.inputs import Group
from mmdin.models.dense import DenseStack
from mmdin.models.network import Fields, RatingNetwork
from mmdin.models.pooling import masked_mean

SINGLE_INPUTS: tuple[Group, ...] = (
    "user",
    "movie",
    "user_statistics",
    "movie_statistics",
    "scene",
)
"""Groups of which each input is a field by itself."""


class EmbeddingMLP(RatingNetwork):
    """Embeddings side by side, the history as a plain mean, then dense layers to a logit.

    Deep Crossing without its residual units (Shan et al. 2016), as arXiv 2110.10205 uses it.
    """

    groups = (
        "user",
        "user_statistics",
        "movie",
        "genres",
        "movie_statistics",
        "history",
        "history_genres",
        "scene",
    )

    def __init__(self, sizes: Networks, vocabulary_sizes: dict[str, int]) -> None:
        super().__init__(sizes, vocabulary_sizes)
        self.hidden = DenseStack(sizes.hidden_units, sizes.dropout)
        self.logit = keras.layers.Dense(1, dtype="float32")

    def score(self, fields: Fields, training: bool) -> tf.Tensor:
        vectors = one_vector_per_field(fields)
        described = tf.reshape(vectors, [-1, vectors.shape[1] * vectors.shape[2]])
        return tf.squeeze(self.logit(self.hidden(described, training=training)), -1)


def one_vector_per_field(fields: Fields) -> tf.Tensor:
    """Each input's embedding, the genres' mean and the history's mean: float32 [batch, n, d]."""
    return tf.concat(
        [
            *(fields.embeddings(group) for group in SINGLE_INPUTS),
            fields.genres()[:, None],
            masked_mean(*fields.history())[:, None],
        ],
        axis=1,
    )
