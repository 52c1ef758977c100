"""The rating networks, built by the names that mmdin/networks.py declares."""

import importlib
from collections.abc import Callable, Mapping

from mmdin.config import ModelName, Networks
from mmdin.models.network import RatingNetwork
from mmdin.networks import NETWORKS


def network_class(model: ModelName) -> type[RatingNetwork]:
    """Return the class of a declared network."""
    module, _, name = NETWORKS[model].implementation.partition(":")
    implementation: type[RatingNetwork] = getattr(importlib.import_module(module), name)
    return implementation


def build_network(
    model: ModelName, sizes: Networks, vocabulary_sizes: Mapping[str, int], **penalties: float
) -> RatingNetwork:
    """Build a network with all its weights, ready to train or to load weights into.

    Args:
        model: its declared name.
        sizes: the networks' section of the configuration; its keys are arguments of the networks,
            and each network takes those that its class names.
        vocabulary_sizes: rows of each vocabulary, index 0 counted.
        **penalties: weights of penalties, such as dense_l2=0.001; taken in the same way.

    Returns:
        The network with its first weights.
    """
    implementation = network_class(model)
    make: Callable[..., RatingNetwork] = implementation
    values = {**sizes.model_dump(), **penalties, "vocabulary_sizes": vocabulary_sizes}
    network = make(**{n: values[n] for n in implementation.argument_names(values)})
    network.build((None, len(network.inputs_taken)))
    return network
