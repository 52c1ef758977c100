"""NeuralCF: collaborative filtering from identities alone."""

import keras
import tensorflow as tf

from mmdin.config import Networks
from mmdin.models.dense import DenseStack
from mmdin.models.network import Fields, RatingNetwork


class NeuralCF(RatingNetwork):
    """A user tower and a movie tower of ids only, whose product is weighed into a logit.

    He et al. 2017 (arXiv 1708.05031), as arXiv 2110.10205 uses it.
    """

    groups = ("user", "movie")

    def __init__(self, sizes: Networks, vocabulary_sizes: dict[str, int]) -> None:
        super().__init__(sizes, vocabulary_sizes)
        self.user_tower = DenseStack(sizes.hidden_units, sizes.dropout)
        self.movie_tower = DenseStack(sizes.hidden_units, sizes.dropout)
        self.logit = keras.layers.Dense(1, dtype="float32")

    def score(self, fields: Fields, training: bool) -> tf.Tensor:
        user = self.user_tower(fields.one("user"), training=training)
        movie = self.movie_tower(fields.one("movie"), training=training)
        return tf.squeeze(self.logit(user * movie), -1)
