"""What the driver sends to the ranks, and what they return.

Loads no TensorFlow: the driver and the Spark tasks that start ranks import this module.
"""

import json
from dataclasses import asdict, dataclass

from mmdin.config import Config, ModelName
from mmdin.storage import Folder, HadoopSettings
from mmdin.tables import DataFile

_RESULT = "result.json"


@dataclass(frozen=True)
class Assignment:
    """A network to train. Every rank receives the same, so that all decide alike.

    Attributes:
        label: name of the run on the console.
        model: network to train.
        seed: seed of the network's weights and of the order of rows.
        config: the whole configuration.
        vocabulary_sizes: rows of each vocabulary.
        train_files: active files of the pinned version of samples, split train.
        validation_files: the same for split validation.
        checkpoint: path or URL of the folder for weights and TensorBoard logs.
        threads: TensorFlow's threads per rank.
        hadoop: settings with which ranks reach samples and checkpoints that are not local.
    """

    label: str
    model: ModelName
    seed: int
    config: Config
    vocabulary_sizes: dict[str, int]
    train_files: list[DataFile]
    validation_files: list[DataFile]
    checkpoint: str
    threads: int
    hadoop: HadoopSettings


@dataclass(frozen=True)
class Epoch:
    """The result of one epoch over all ranks. Losses are means per row, in nats."""

    epoch: int
    learning_rate: float
    train_loss: float
    validation_loss: float
    validation_roc_auc: float
    rows_per_second: float
    seconds: float


@dataclass(frozen=True)
class TrainingResult:
    """The result of training one network. Times are seconds since 1970.

    Attributes:
        epochs: in order.
        best_epoch: number of the epoch whose weights were saved, from 1.
        parameters: trainable numbers of the network.
        started_at: start of the first epoch.
        ended_at: end of the last epoch.
        resumed_after: epochs after which training was resumed; 0 is before the first had ended.
    """

    epochs: tuple[Epoch, ...]
    best_epoch: int
    parameters: int
    started_at: float
    ended_at: float
    resumed_after: tuple[int, ...] = ()

    @property
    def best(self) -> Epoch:
        """The epoch whose weights were saved."""
        return self.epochs[self.best_epoch - 1]


def write_result(folder: Folder, result: TrainingResult) -> None:
    """Write a network's result into its folder as result.json, atomically."""
    with folder.writing(_RESULT) as path:
        path.write_text(json.dumps(asdict(result), indent=2), encoding="utf-8")


def read_result(folder: Folder) -> TrainingResult | None:
    """Read the result in a network's folder.

    Returns:
        The result, or None if training has not ended.
    """
    if not folder.exists(_RESULT):
        return None
    with folder.reading(_RESULT) as path:
        values = json.loads(path.read_text(encoding="utf-8"))
    epochs = tuple(Epoch(**e) for e in values["epochs"])
    resumed_after = tuple(values["resumed_after"])
    return TrainingResult(**{**values, "epochs": epochs, "resumed_after": resumed_after})
