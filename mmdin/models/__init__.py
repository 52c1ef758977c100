"""The rating networks, built by the names that mmdin/networks.py declares."""

import importlib
from collections.abc import Mapping

import tensorflow as tf

from mmdin.config import ModelName, Networks
from mmdin.models.network import RatingNetwork
from mmdin.networks import NETWORKS


def network_class(model: ModelName) -> type[RatingNetwork]:
    """The class of a declared network."""
    module, _, name = NETWORKS[model].implementation.partition(":")
    implementation: type[RatingNetwork] = getattr(importlib.import_module(module), name)
    return implementation


def build_network(
    model: ModelName, sizes: Networks, vocabulary_sizes: Mapping[str, int]
) -> RatingNetwork:
    """A network with all its weights made, ready to train or to load weights into."""
    network = network_class(model)(sizes, vocabulary_sizes)
    network(tf.zeros([1, len(network.inputs_taken)], tf.int32))
    return network
