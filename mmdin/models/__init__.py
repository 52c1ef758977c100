"""The rating networks by name. To add one: a file here, and a line in NETWORKS and ModelName."""

from collections.abc import Mapping

import tensorflow as tf

from mmdin.config import ModelName, Networks
from mmdin.models.deepfm import DeepFM
from mmdin.models.din import DIN
from mmdin.models.embedding_mlp import EmbeddingMLP
from mmdin.models.mmdin import MMDIN
from mmdin.models.network import RatingNetwork
from mmdin.models.neural_cf import NeuralCF

NETWORKS: dict[ModelName, type[RatingNetwork]] = {
    "neural_cf": NeuralCF,
    "embedding_mlp": EmbeddingMLP,
    "deepfm": DeepFM,
    "din": DIN,
    "mmdin": MMDIN,
}


def build_network(
    model: ModelName, sizes: Networks, vocabulary_sizes: Mapping[str, int]
) -> RatingNetwork:
    """A network with all its weights made, ready to train or to load weights into."""
    network = NETWORKS[model](sizes, vocabulary_sizes)
    network(tf.zeros([1, len(network.inputs_taken)], tf.int32))
    return network
