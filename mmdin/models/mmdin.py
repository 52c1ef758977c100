"""MMDIN: the multi-head multi-modal deep interest network (arXiv 2110.10205)."""

import keras
import tensorflow as tf

from mmdin.config import Networks
from mmdin.inputs import Group
from mmdin.models.attention import InterestAttention, UniformAttention
from mmdin.models.dense import DenseStack
from mmdin.models.din import DIN, describe_interest, factorize
from mmdin.models.network import Fields, RatingNetwork
from mmdin.models.pooling import masked_mean
from mmdin.models.residual import MultiHeadResNet

POSTER_GROUPS: tuple[Group, ...] = ("movie_poster", "user_poster")


class MMDIN(RatingNetwork):
    """DIN with outer-product attention, poster features, and heads of residual blocks.

    Everything side by side -> dense to `width` -> PReLU -> `heads` stacks of `blocks` residual
    blocks, added -> one logit, which starts at nothing and is added to DIN's factorisation.

    Posters are where a network can most easily learn its training rows by heart: 45 buckets tell
    movies and users apart. So a movie's poster enters as the mean of its features' embeddings, a
    user's likewise; the movie's is also added to the candidate in the factorisation, where users
    meet it; one learned number, a gate, multiplies all; and a share of training rows see none.
    Without factorisation the features stand side by side, as in the paper.

    For ablations, sizes may leave the posters out, change the attention, or put plain dense layers
    of the same depth and width in place of the residual blocks.
    """

    groups = (*DIN.groups, *POSTER_GROUPS)

    def __init__(self, sizes: Networks, vocabulary_sizes: dict[str, int]) -> None:
        super().__init__(sizes, vocabulary_sizes)
        self.attention = (
            UniformAttention()
            if sizes.attention == "mean"
            else InterestAttention(sizes.attention_units, sizes.attention)
        )
        if sizes.posters:
            self.poster_gate = self.add_weight(
                shape=(), initializer=keras.initializers.Constant(1.0), name="poster_gate"
            )
            self.poster_dropout = keras.layers.Dropout(sizes.poster_dropout, dtype="float32")
        self.dense = DenseStack([sizes.width], sizes.interest_dropout)
        self.trunk = (
            MultiHeadResNet(sizes.heads, sizes.blocks, sizes.width, sizes.interest_dropout)
            if sizes.trunk == "residual"
            else DenseStack([sizes.width] * (2 * sizes.blocks), sizes.interest_dropout)
        )
        self.logit = keras.layers.Dense(1, kernel_initializer="zeros", dtype="float32")

    @classmethod
    def groups_taken(cls, sizes: Networks) -> tuple[Group, ...]:
        return cls.groups if sizes.posters else DIN.groups

    @classmethod
    def factors_of(cls, sizes: Networks) -> tuple[Group, ...]:
        return DIN.factors_of(sizes)

    def score(self, fields: Fields, training: bool) -> tf.Tensor:
        parts, candidate = describe_interest(fields, self.attention), fields.candidate()
        if self.sizes.posters:
            of_movie, of_user = self._posters(fields)
            kept = self.poster_dropout(tf.ones_like(of_movie[:, :1]), training=training)
            parts += [kept * of_movie, kept * of_user]
            if self.sizes.factorization:
                candidate += kept * of_movie
        described = tf.concat(parts, axis=-1)
        hidden = self.trunk(self.dense(described, training=training), training=training)
        logits = tf.squeeze(self.logit(hidden), -1)
        return logits + factorize(fields, candidate) if self.sizes.factorization else logits

    def poster_vectors(self, fields: Fields) -> tf.Tensor:
        if not (self.sizes.posters and self.sizes.factorization):
            return super().poster_vectors(fields)
        return self._posters(fields)[0]

    def _posters(self, fields: Fields) -> list[tf.Tensor]:
        """The movie's poster and those of the user's movies: float32 [batch, n] each."""
        if not self.sizes.factorization:
            return [self.poster_gate.value * p for p in fields.flat(*POSTER_GROUPS)]
        return [
            self.poster_gate.value * masked_mean(fields.embeddings(g), fields.mask(g))
            for g in POSTER_GROUPS
        ]
