"""NeuralCF: collaborative filtering from identities alone."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from mmdin.models.dense import DenseStack
from mmdin.models.network import Fields, RatingNetwork
from mmdin.models.noise import Noise


class NeuralCF(RatingNetwork):
    """A user tower and a movie tower of ids only, whose product is weighted into a logit.

    He et al. 2017 (arXiv 1708.05031), as arXiv 2110.10205 uses it.

    Args:
        hidden_units: widths of each tower's dense layers.
        dropout: share of each dense layer's inputs dropped in training.
        **shared: arguments of RatingNetwork.
    """

    def __init__(self, *, hidden_units: Sequence[int], dropout: float, **shared: Any) -> None:
        super().__init__(("user", "movie"), **shared)
        self.hidden_units, self.dropout = tuple(hidden_units), dropout
        self.user_tower = DenseStack(hidden_units, dropout, self.kernel_regularizer)
        self.movie_tower = DenseStack(hidden_units, dropout, self.kernel_regularizer)
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
        user = self.user_tower(fields.one("user"), noise=noise)
        movie = self.movie_tower(fields.one("movie"), noise=noise)
        return tf.squeeze(self.logit(user * movie), -1)
