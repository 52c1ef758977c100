"""MMDIN: the multi-head multi-modal deep interest network (arXiv 2110.10205)."""

from typing import Any, Literal

import keras
import tensorflow as tf

from mmdin.inputs import Group
from mmdin.models.dense import DenseStack
from mmdin.models.embedding_mlp import GROUPS
from mmdin.models.interest import Compared, InterestNetwork, factorize
from mmdin.models.network import Fields
from mmdin.models.noise import Noise
from mmdin.models.residual import MultiHeadResNet

POSTER_GROUPS: tuple[Group, ...] = ("movie_poster", "user_poster")


class MMDIN(InterestNetwork):
    """DIN with outer-product attention, poster features, and heads of residual blocks.

    Everything side by side -> dense to `width` -> PReLU -> `heads` stacks of `blocks` residual
    blocks, added -> one logit, which starts at zero and is added to DIN's factorisation.

    A network overfits most easily through posters, because 45 buckets identify movies and users.
    So a movie's poster enters as the mean of its features' embeddings, and so do the posters of a
    user's movies. The movie's is also added to the candidate in the factorisation, where users meet
    it. One learned number, a gate, multiplies all; a share of training rows see no posters; and
    what a poster adds to its movie is penalised. Without factorisation the features stand side by
    side, as in the paper.

    Attention overfits through the movies' embeddings, which identify them, and what it finds
    reaches the logit through layers of which half is dropped. So it compares genres, and the sum of
    its weights, the strength of the interest, is added to the logit.

    Args:
        width: width of the dense layer and of the residual blocks.
        heads: parallel stacks of residual blocks.
        blocks: residual blocks in each stack.
        posters: whether the network sees posters.
        poster_dropout: share of training rows whose posters are hidden.
        attention: how a liked movie is weighted against the candidate; mean gives equal weights.
        attention_by: what attention compares. movies: their embeddings, as in the paper. genres:
            their genres' embeddings, unless weights are equal or the network sees no genres.
        trunk: residual for heads of residual blocks, plain for as many dense layers as in one head.
        factorization: as of InterestNetwork.
        poster_l2: weight of half the squared vector that a poster adds to a row's candidate.
        attention_l2: weight of the squared weights of attention's dense layers, if by genres.
        **shared: arguments of InterestNetwork and RatingNetwork.
    """

    def __init__(
        self,
        *,
        width: int,
        heads: int,
        blocks: int,
        posters: bool,
        poster_dropout: float,
        attention: Literal["outer", "concatenation", "mean"],
        attention_by: Compared,
        trunk: Literal["residual", "plain"],
        factorization: bool,
        poster_l2: float = 0.0,
        attention_l2: float = 0.0,
        **shared: Any,
    ) -> None:
        of_posters: tuple[Group, ...] = (*POSTER_GROUPS, "poster_biases") if posters else ()
        pooled = POSTER_GROUPS if posters and factorization else ()
        by_genres = attention_by == "genres" and attention != "mean" and shared["genres"]
        super().__init__(
            (*GROUPS, *of_posters),
            attention,
            pooled,
            "genres" if by_genres else "movies",
            attention_l2 if by_genres else None,
            factorization=factorization,
            **shared,
        )
        self.attention_by, self.attention_l2 = attention_by, attention_l2
        self.width, self.heads, self.blocks, self.trunk_kind = width, heads, blocks, trunk
        self.posters, self.poster_l2, self.poster_dropout = posters, poster_l2, poster_dropout
        if posters:
            self.poster_gate = self.add_weight(
                shape=(), initializer=keras.initializers.Constant(1.0), name="poster_gate"
            )
        dropout, regularizer = self.interest_dropout, self.kernel_regularizer
        self.dense = DenseStack([width], dropout, regularizer)
        self.trunk = (
            MultiHeadResNet(heads, blocks, width, dropout, regularizer)
            if trunk == "residual"
            else DenseStack([width] * (2 * blocks), dropout, regularizer)
        )
        self.logit = keras.layers.Dense(
            1, kernel_initializer="zeros", kernel_regularizer=regularizer, dtype="float32"
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "width": self.width,
            "heads": self.heads,
            "blocks": self.blocks,
            "posters": self.posters,
            "poster_dropout": self.poster_dropout,
            "attention": self.interaction,
            "attention_by": self.attention_by,
            "attention_l2": self.attention_l2,
            "trunk": self.trunk_kind,
            "poster_l2": self.poster_l2,
        }

    def score(self, fields: Fields, noise: Noise | None) -> tf.Tensor:
        weights, candidate = self.weigh(fields), fields.candidate()
        parts = self.describe(fields, weights)
        if self.posters:
            of_movie, of_user = self._poster_vectors(fields)
            if noise:
                visible = noise.drop(tf.ones_like(of_movie[:, :1]), self.poster_dropout)
                of_movie, of_user = visible * of_movie, visible * of_user
            parts += [of_movie, of_user]
            if self.factorization:
                candidate += of_movie
        described = tf.concat(parts, axis=-1)
        hidden = self.trunk(self.dense(described, noise=noise), noise=noise)
        logits = tf.squeeze(self.logit(hidden), -1)
        if self.compared == "genres":
            logits += tf.reduce_sum(weights, axis=1)
        return logits + factorize(fields, candidate) if self.factorization else logits

    def row_penalties(self, fields: Fields) -> tf.Tensor:
        """Return the factors' penalties plus the posters': float32 [batch].

        The posters' is poster_l2 / 2 times the squares of what a row's poster adds to its candidate
        in the factorisation.
        """
        penalties = super().row_penalties(fields)
        if not (self.posters and self.factorization):
            return penalties
        of_movie, _ = self._poster_vectors(fields)
        return penalties + self.poster_l2 * tf.reduce_sum(tf.square(of_movie), axis=1) / 2

    def _poster_vectors(self, fields: Fields) -> list[tf.Tensor]:
        """Return the movie's poster and those of the user's movies: float32 [batch, n] each."""
        if not self.factorization:
            return [self.poster_gate.value * p for p in fields.flat(*POSTER_GROUPS)]
        return [self.poster_gate.value * fields.pooled(g) for g in POSTER_GROUPS]
