"""The rating networks by name: the one list that configuration, training and scoring share.

To add a network, write its class in a file of mmdin/models/ and declare it here. This module loads
no TensorFlow, so that a configuration can be checked without it.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class NetworkDeclaration:
    """A network that can be trained.

    Attributes:
        name: value of training.models that selects it, and column `model` of the tables.
        implementation: its class, a subclass of mmdin.models.network.RatingNetwork, as
            "module:Class".
        has_attention: whether the class has `attention_weights`, which the report shows.
    """

    name: str
    implementation: str
    has_attention: bool = False


NETWORKS: dict[str, NetworkDeclaration] = {
    network.name: network
    for network in (
        NetworkDeclaration("neural_cf", "mmdin.models.neural_cf:NeuralCF"),
        NetworkDeclaration("embedding_mlp", "mmdin.models.embedding_mlp:EmbeddingMLP"),
        NetworkDeclaration("deepfm", "mmdin.models.deepfm:DeepFM"),
        NetworkDeclaration("din", "mmdin.models.din:DIN", has_attention=True),
        NetworkDeclaration("mmdin", "mmdin.models.mmdin:MMDIN", has_attention=True),
    )
}
"""Every network, in the order in which `training.models: all` trains them."""

CHECKPOINT_FILES = ("network.json", "best.weights.h5")
"""Files of a checkpoint folder that hold a trained network: its description and its weights."""


def check_model_name(name: str) -> str:
    """Return the name of a declared network unchanged.

    Raises:
        ValueError: if no network has the name.
    """
    if name not in NETWORKS:
        *others, last = (repr(n) for n in NETWORKS)
        raise ValueError(f"should be {', '.join(others)} or {last}")
    return name
