"""DIN: the history weighed against the candidate."""

import keras
import tensorflow as tf

from mmdin.config import Networks
from mmdin.inputs import Group
from mmdin.models.attention import InterestAttention
from mmdin.models.dense import DenseStack
from mmdin.models.embedding_mlp import EmbeddingMLP
from mmdin.models.network import Fields, RatingNetwork

FACTORS: tuple[Group, ...] = ("user", "movie")
"""Groups of inputs whose embeddings are the factors."""


class DIN(RatingNetwork):
    """The features of EmbeddingMLP, with the history pooled by attention (arXiv 1706.06978).

    The user's and the movie's embeddings also enter the logit directly, as a matrix factorisation.
    The dense layers beside it start at nothing and learn what it leaves over.
    """

    groups = EmbeddingMLP.groups

    def __init__(self, sizes: Networks, vocabulary_sizes: dict[str, int]) -> None:
        super().__init__(sizes, vocabulary_sizes)
        self.attention = InterestAttention(sizes.attention_units, "difference")
        self.hidden = DenseStack(sizes.hidden_units, sizes.interest_dropout)
        self.logit = keras.layers.Dense(1, kernel_initializer="zeros", dtype="float32")

    @classmethod
    def factors_of(cls, sizes: Networks) -> tuple[Group, ...]:
        return FACTORS if sizes.factorization else ()

    def score(self, fields: Fields, training: bool) -> tf.Tensor:
        described = tf.concat(describe_interest(fields, self.attention), axis=-1)
        logits = tf.squeeze(self.logit(self.hidden(described, training=training)), -1)
        if not self.sizes.factorization:
            return logits
        return logits + factorize(fields, fields.candidate())


def describe_interest(fields: Fields, attention: keras.layers.Layer) -> list[tf.Tensor]:
    """What DIN and MMDIN know of a row besides posters, as float32 [batch, n] parts."""
    return [
        *fields.flat("user", "movie", "user_statistics", "movie_statistics", "scene"),
        fields.genres(),
        attention(*fields.history(), fields.candidate()),
    ]


def factorize(fields: Fields, candidate: tf.Tensor) -> tf.Tensor:
    """User bias + movie bias + inner product of the user's embedding and the candidate's.

    Float32 [batch] (Koren, Bell and Volinsky 2009, eq. 4, in log-odds). The candidate's embedding
    [batch, d] holds its genres', so that a movie of few ratings is like others of its genres.
    """
    biases = fields.first_order("user") + fields.first_order("movie")
    return biases[:, 0] + tf.reduce_sum(fields.one("user") * candidate, axis=-1)
