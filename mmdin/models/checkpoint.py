"""A network's folder: its description, and its weights."""

import json
from typing import Any

import keras

from mmdin.errors import TableError
from mmdin.models import network_class
from mmdin.models.network import RatingNetwork
from mmdin.networks import CHECKPOINT_FILES, NETWORKS
from mmdin.storage import Folder

_NETWORK, _WEIGHTS = CHECKPOINT_FILES


def save_network(folder: Folder, network: RatingNetwork) -> None:
    """Write network.json, the network as Keras serialises it, and best.weights.h5.

    network.json also has `columns`, those of samples that the network takes, which can be read
    without TensorFlow.

    A reader never sees half of a file.
    """
    with folder.writing(_WEIGHTS) as path:
        network.save_weights(path)
    with folder.writing(_NETWORK) as path:
        path.write_text(json.dumps(_describe(network), indent=2), encoding="utf-8")


def _describe(network: RatingNetwork) -> dict[str, Any]:
    inputs = [i.column for i in network.inputs_taken]
    numbers = [n.column for n in network.numbers_taken]
    return {**json.loads(network.to_json()), "columns": [*inputs, *numbers]}


def load_network(folder: Folder) -> RatingNetwork:
    """Load the network that save_network wrote.

    Raises:
        TableError: if the folder holds none, or one that another version of the code made.
    """
    if not folder.exists(_NETWORK):
        raise TableError(f"there is no trained network in {folder.url}: train again")
    classes = [network_class(model) for model in NETWORKS]
    try:
        with folder.reading(_NETWORK) as path:
            network: RatingNetwork = keras.models.model_from_json(
                path.read_text(encoding="utf-8"), custom_objects={c.__name__: c for c in classes}
            )
        with folder.reading(_WEIGHTS) as path:
            network.load_weights(path)
    except (TypeError, ValueError) as error:
        raise TableError(
            f"the network in {folder.url} has other arguments or weights, so another version of "
            "mmdin saved it: train again"
        ) from error
    return network
