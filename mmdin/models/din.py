"""DIN: the history weighted against the candidate."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from mmdin.models.dense import DenseStack
from mmdin.models.embedding_mlp import GROUPS
from mmdin.models.interest import InterestNetwork, factorize
from mmdin.models.network import Fields
from mmdin.models.noise import Noise


class DIN(InterestNetwork):
    """The features of EmbeddingMLP, with the history pooled by attention (arXiv 1706.06978).

    The dense layers are added to the factorisation. Their last layer starts at zero, so they learn
    what the factorisation leaves over.

    Args:
        hidden_units: widths of the dense layers after attention.
        **shared: arguments of InterestNetwork and RatingNetwork.
    """

    def __init__(self, *, hidden_units: Sequence[int], **shared: Any) -> None:
        super().__init__(GROUPS, "difference", **shared)
        self.hidden_units = tuple(hidden_units)
        self.hidden = DenseStack(hidden_units, self.interest_dropout, self.kernel_regularizer)
        self.logit = keras.layers.Dense(
            1,
            kernel_initializer="zeros",
            kernel_regularizer=self.kernel_regularizer,
            dtype="float32",
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "hidden_units": list(self.hidden_units)}

    def score(self, fields: Fields, noise: Noise | None) -> tf.Tensor:
        described = tf.concat(self.describe(fields, self.weigh(fields)), axis=-1)
        logits = tf.squeeze(self.logit(self.hidden(described, noise=noise)), -1)
        return logits + factorize(fields, fields.candidate()) if self.factorization else logits
