"""DeepFM: first order, pairwise interactions and dense layers, over shared embeddings."""

import keras
import tensorflow as tf

from mmdin.config import Networks
from mmdin.models.dense import DenseStack
from mmdin.models.embedding_mlp import SINGLE_INPUTS, EmbeddingMLP, one_vector_per_field
from mmdin.models.factorization import pairwise_interactions
from mmdin.models.network import Fields, RatingNetwork


class DeepFM(RatingNetwork):
    """Logit = first-order weights + factorization machine + dense layers.

    Guo et al. 2017 (arXiv 1703.04247). A field is one input; the genres are one, and so is the
    history, each as a mean.
    """

    groups = EmbeddingMLP.groups

    def __init__(self, sizes: Networks, vocabulary_sizes: dict[str, int]) -> None:
        super().__init__(sizes, vocabulary_sizes)
        self.hidden = DenseStack(sizes.hidden_units, sizes.dropout)
        self.logit = keras.layers.Dense(1, dtype="float32")

    def score(self, fields: Fields, training: bool) -> tf.Tensor:
        vectors = one_vector_per_field(fields)
        linear = [tf.reduce_sum(fields.first_order(group), axis=1) for group in SINGLE_INPUTS]
        linear.append(tf.reduce_sum(fields.first_order("genres") * fields.mask("genres"), axis=1))
        flat = tf.reshape(vectors, [-1, vectors.shape[1] * vectors.shape[2]])
        deep = tf.squeeze(self.logit(self.hidden(flat, training=training)), -1)
        return tf.add_n(linear) + pairwise_interactions(vectors) + deep
