"""DeepFM: first order, pairwise interactions and dense layers, over shared embeddings."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from mmdin.models.dense import DenseStack
from mmdin.models.embedding_mlp import GROUPS, SINGLE_INPUTS, one_vector_per_field
from mmdin.models.factorization import pairwise_interactions
from mmdin.models.network import Fields, RatingNetwork
from mmdin.models.noise import Noise


class DeepFM(RatingNetwork):
    """Logit = first-order weights + factorization machine + dense layers.

    Guo et al. 2017 (arXiv 1703.04247). A field is one input; the genres are one, and so is the
    history, each as a mean.

    Args:
        hidden_units: widths of the dense layers.
        dropout: share of each dense layer's inputs dropped in training.
        **shared: arguments of RatingNetwork.
    """

    def __init__(self, *, hidden_units: Sequence[int], dropout: float, **shared: Any) -> None:
        super().__init__(GROUPS, (), True, **shared)
        self.hidden_units, self.dropout = tuple(hidden_units), dropout
        self.hidden = DenseStack(hidden_units, dropout, self.kernel_regularizer)
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
        vectors = one_vector_per_field(fields)
        linear = [tf.reduce_sum(fields.first_order(group), axis=1) for group in SINGLE_INPUTS]
        linear.append(fields.genres_first_order())
        flat = tf.reshape(vectors, [-1, vectors.shape[1] * vectors.shape[2]])
        deep = tf.squeeze(self.logit(self.hidden(flat, noise=noise)), -1)
        return tf.add_n(linear) + pairwise_interactions(vectors) + deep
