"""MMDIN: the multi-head multi-modal deep interest network (arXiv 2110.10205)."""

import keras
import tensorflow as tf

from mmdin.config import Networks
from mmdin.models.attention import InterestAttention
from mmdin.models.dense import DenseStack
from mmdin.models.din import DIN, describe_interest, identity_bias
from mmdin.models.network import Fields, RatingNetwork
from mmdin.models.residual import MultiHeadResNet


class MMDIN(RatingNetwork):
    """DIN with outer-product attention, poster features, and heads of residual blocks.

    Everything side by side -> dense to `width` -> PReLU -> `heads` stacks of `blocks` residual
    blocks, added -> one logit. The posters enter through one learned number, a gate that can close
    where they say nothing.
    """

    groups = (*DIN.groups, "movie_poster", "user_poster")

    def __init__(self, sizes: Networks, vocabulary_sizes: dict[str, int]) -> None:
        super().__init__(sizes, vocabulary_sizes)
        self.attention = InterestAttention(sizes.attention_units, "outer")
        self.poster_gate = self.add_weight(
            shape=(), initializer=keras.initializers.Constant(1.0), name="poster_gate"
        )
        self.dense = DenseStack([sizes.width], sizes.dropout)
        self.resnet = MultiHeadResNet(sizes.heads, sizes.blocks, sizes.width, sizes.dropout)
        self.logit = keras.layers.Dense(1)

    def score(self, fields: Fields, training: bool) -> tf.Tensor:
        posters = tf.concat(fields.flat("movie_poster", "user_poster"), axis=-1)
        described = tf.concat(
            [
                *describe_interest(fields, self.attention, self.sizes),
                self.poster_gate.value * posters,
            ],
            axis=-1,
        )
        hidden = self.resnet(self.dense(described, training=training), training=training)
        return tf.squeeze(self.logit(hidden), -1) + identity_bias(fields, self.sizes)
