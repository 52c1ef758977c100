"""A network's folder: what it is, and its weights."""

import json

from mmdin.config import Networks
from mmdin.errors import TableError
from mmdin.models import build_network
from mmdin.models.network import RatingNetwork
from mmdin.networks import CHECKPOINT_FILES
from mmdin.storage import Folder

_NETWORK, _WEIGHTS = CHECKPOINT_FILES


def save_network(
    folder: Folder, model: str, vocabulary_sizes: dict[str, int], network: RatingNetwork
) -> None:
    """Write network.json (model, sizes, vocabularies) and best.weights.h5 into the folder.

    A reader never sees half of a file.
    """
    description = {
        "model": model,
        "networks": network.sizes.model_dump(mode="json"),
        "vocabulary_sizes": vocabulary_sizes,
    }
    with folder.writing(_WEIGHTS) as path:
        network.save_weights(path)
    with folder.writing(_NETWORK) as path:
        path.write_text(json.dumps(description, indent=2), encoding="utf-8")


def load_network(folder: Folder) -> RatingNetwork:
    """The network that save_network wrote. Raises TableError where there is none."""
    if not folder.exists(_NETWORK):
        raise TableError(f"there is no trained network in {folder.url}: train again")
    with folder.reading(_NETWORK) as path:
        description = json.loads(path.read_text(encoding="utf-8"))
    network = build_network(
        description["model"], Networks(**description["networks"]), description["vocabulary_sizes"]
    )
    with folder.reading(_WEIGHTS) as path:
        network.load_weights(path)
    return network
