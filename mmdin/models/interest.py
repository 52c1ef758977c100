"""What DIN and MMDIN share: attention on the history, and a matrix factorisation."""

from collections.abc import Sequence
from typing import Any, Literal

import keras
import tensorflow as tf

from mmdin.inputs import Group
from mmdin.models.attention import Interaction, InterestAttention, UniformAttention
from mmdin.models.network import Fields, RatingNetwork

Compared = Literal["movies", "genres"]

FACTOR_GROUPS: tuple[Group, ...] = ("user", "movie")
"""Groups of inputs whose embeddings are the factors."""


class InterestNetwork(RatingNetwork):
    """Base of the networks that weigh the history against the candidate.

    With `factorization` the user's and the movie's embeddings also enter the logit directly.

    Args:
        groups: the groups of inputs that the network takes.
        interaction: how a liked movie meets the candidate (see InterestAttention), or mean for
            equal weights.
        pooled_groups: as of RatingNetwork.
        compared: what attention knows of a movie. movies: its embedding plus its genres' mean.
            genres: this mean alone.
        attention_l2: weight of the squared weights of attention's dense layers, if not dense_l2.
        attention_units: widths of the dense layers that weigh a liked movie.
        interest_dropout: share of each dense layer's inputs dropped in training, for subclasses.
        factorization: whether the logit holds a matrix factorisation.
        factor_l2: weight of half the squared embeddings that a row looks up as factors.
        **shared: arguments of RatingNetwork.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        interaction: Interaction | Literal["mean"],
        pooled_groups: Sequence[Group] = (),
        compared: Compared = "movies",
        attention_l2: float | None = None,
        /,
        *,
        attention_units: Sequence[int],
        interest_dropout: float,
        factorization: bool,
        factor_l2: float = 0.0,
        **shared: Any,
    ) -> None:
        factor_groups = FACTOR_GROUPS if factorization else ()
        super().__init__(groups, factor_groups, factorization, pooled_groups, **shared)
        self.interaction, self.compared = interaction, compared
        self.attention_units = tuple(attention_units)
        self.interest_dropout = interest_dropout
        self.factorization, self.factor_l2 = factorization, factor_l2
        regularizer = self.kernel_regularizer
        if attention_l2 is not None:
            regularizer = keras.regularizers.L2(attention_l2)
        self.attention = (
            UniformAttention()
            if interaction == "mean"
            else InterestAttention(attention_units, interaction, regularizer)
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "attention_units": list(self.attention_units),
            "interest_dropout": self.interest_dropout,
            "factorization": self.factorization,
            "factor_l2": self.factor_l2,
        }

    def describe(self, fields: Fields, weights: tf.Tensor) -> list[tf.Tensor]:
        """Return what DIN and MMDIN know of a row except posters, as float32 [batch, n] parts.

        Args:
            fields: a batch's embeddings.
            weights: of `weigh`, by which the liked movies are added up.
        """
        history, _ = fields.history()
        return [
            *fields.flat("user", "movie", "user_statistics", "movie_statistics", "scene"),
            fields.genres(),
            tf.reduce_sum(weights[..., None] * history, axis=1),
        ]

    def weigh(self, fields: Fields) -> tf.Tensor:
        """Return the weight of each liked movie for the candidate: float32 [batch, positions]."""
        history, mask = fields.history()
        if self.compared == "genres":
            return self.attention(fields.history_genres(), mask, fields.genres())
        return self.attention(history, mask, fields.candidate())

    def row_penalties(self, fields: Fields) -> tf.Tensor:
        """Return factor_l2 / 2 times the squares of each row's factors: float32 [batch]."""
        if not self.factorization:
            return super().row_penalties(fields)
        factors = tf.concat([fields.rows_of(group) for group in FACTOR_GROUPS], axis=1)
        return self.factor_l2 * tf.reduce_sum(tf.square(factors), axis=[1, 2]) / 2

    def attention_weights(self, indices: tf.Tensor) -> tf.Tensor:
        """Return the weight of each liked movie: float32 [batch, positions]."""
        return self.weigh(self.fields(indices, self.table(self.looked_up(indices))))


def factorize(fields: Fields, candidate: tf.Tensor) -> tf.Tensor:
    """User bias + movie bias + inner product of the user's embedding and the candidate's.

    In log-odds (Koren, Bell and Volinsky 2009, eq. 4).

    Args:
        fields: a batch's embeddings.
        candidate: float32 [batch, d], the movie's embedding plus its genres', so that a movie of
            few ratings is like others of its genres.

    Returns:
        float32 [batch].
    """
    biases = fields.first_order("user") + fields.first_order("movie")
    return biases[:, 0] + tf.reduce_sum(fields.one("user") * candidate, axis=-1)
