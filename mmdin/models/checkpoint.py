"""A network's folder on disk: what it is, and its weights."""

import json
from pathlib import Path

from mmdin.config import Networks
from mmdin.errors import TableError
from mmdin.models import build_network
from mmdin.models.network import RatingNetwork

_NETWORK, _WEIGHTS = "network.json", "best.weights.h5"


def save_network(
    folder: str, model: str, vocabulary_sizes: dict[str, int], network: RatingNetwork
) -> None:
    """Write network.json (model, sizes, vocabularies) and best.weights.h5 into the folder.

    Each file is written beside its place and then moved, so that a reader never sees half of it.
    """
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    description = {
        "model": model,
        "networks": network.sizes.model_dump(mode="json"),
        "vocabulary_sizes": vocabulary_sizes,
    }
    weights = path / f"new.{_WEIGHTS}"
    network.save_weights(weights)
    weights.rename(path / _WEIGHTS)
    described = path / f"new.{_NETWORK}"
    described.write_text(json.dumps(description, indent=2), encoding="utf-8")
    described.rename(path / _NETWORK)


def load_network(folder: str) -> RatingNetwork:
    """The network that save_network wrote. Raises TableError where there is none."""
    path = Path(folder)
    if not (path / _NETWORK).exists():
        raise TableError(f"there is no trained network in {folder}: train again")
    description = json.loads((path / _NETWORK).read_text(encoding="utf-8"))
    network = build_network(
        description["model"], Networks(**description["networks"]), description["vocabulary_sizes"]
    )
    network.load_weights(path / _WEIGHTS)
    return network
