"""DIN: the history weighed against the candidate."""

import keras
import tensorflow as tf

from mmdin.config import Networks
from mmdin.models.attention import InterestAttention
from mmdin.models.dense import DenseStack
from mmdin.models.embedding_mlp import EmbeddingMLP
from mmdin.models.network import Fields, RatingNetwork


class DIN(RatingNetwork):
    """The features of EmbeddingMLP, with the history pooled by attention (arXiv 1706.06978)."""

    groups = EmbeddingMLP.groups

    def __init__(self, sizes: Networks, vocabulary_sizes: dict[str, int]) -> None:
        super().__init__(sizes, vocabulary_sizes)
        self.attention = InterestAttention(sizes.attention_units, "difference")
        self.hidden = DenseStack(sizes.hidden_units, sizes.dropout)
        self.logit = keras.layers.Dense(1)

    def score(self, fields: Fields, training: bool) -> tf.Tensor:
        described = tf.concat(describe_interest(fields, self.attention, self.sizes), axis=-1)
        logits = tf.squeeze(self.logit(self.hidden(described, training=training)), -1)
        return logits + identity_bias(fields, self.sizes)


def describe_interest(
    fields: Fields, attention: keras.layers.Layer, sizes: Networks
) -> list[tf.Tensor]:
    """What DIN and MMDIN know of a row besides posters, as float32 [batch, n] parts."""
    candidate = fields.candidate()
    parts = [
        *fields.flat("user", "movie", "user_statistics", "movie_statistics", "scene"),
        fields.genres(),
        attention(*fields.history(), candidate),
    ]
    if sizes.user_movie_terms:
        parts.append(fields.one("user") * candidate)
    return parts


def identity_bias(fields: Fields, sizes: Networks) -> tf.Tensor:
    """The user's and the movie's own weight in the logit, float32 [batch], or 0 if switched off."""
    if not sizes.user_movie_terms:
        return tf.zeros_like(fields.first_order("user")[:, 0])
    return fields.first_order("user")[:, 0] + fields.first_order("movie")[:, 0]
