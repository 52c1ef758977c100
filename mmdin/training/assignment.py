"""What the driver tells the ranks, and what they tell the driver.

Apart from the training loop, so that Spark's tasks, which only carry these, load no TensorFlow.
"""

import json
from dataclasses import asdict, dataclass

from mmdin.config import Config, ModelName
from mmdin.storage import Folder, HadoopSettings
from mmdin.tables import DataFile

_OUTCOME = "outcome.json"


@dataclass(frozen=True)
class Assignment:
    """What the driver tells every rank: the same to each, so all decide alike.

    label: what the run is called on the console; model: network to train; seed: of its weights and
    the order of rows; config: the whole configuration; vocabulary_sizes: rows of each
    vocabulary; train_files, validation_files: active files of the pinned version of samples;
    checkpoint: path or URL of the folder for weights and TensorBoard logs; threads: of TensorFlow
    per rank; hadoop: with which ranks reach samples and checkpoints that are not local.
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
    """What an epoch came to, over all ranks. Losses are means per row, in nats."""

    epoch: int
    learning_rate: float
    train_loss: float
    validation_loss: float
    validation_roc_auc: float
    rows_per_second: float
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """What a network's training came to. Times are seconds since 1970.

    resumed_after: epochs after which it was started again, 0 for before the first had ended.
    """

    epochs: tuple[Epoch, ...]
    best_epoch: int
    parameters: int
    started_at: float
    ended_at: float
    resumed_after: tuple[int, ...] = ()

    @property
    def best(self) -> Epoch:
        """The epoch whose weights were kept."""
        return self.epochs[self.best_epoch - 1]


def write_outcome(folder: Folder, outcome: Outcome) -> None:
    """Leave an outcome in the network's folder, as outcome.json: there whole, or not at all."""
    with folder.writing(_OUTCOME) as path:
        path.write_text(json.dumps(asdict(outcome), indent=2), encoding="utf-8")


def read_outcome(folder: Folder) -> Outcome | None:
    """The outcome that was left in a network's folder; None where training did not end."""
    if not folder.exists(_OUTCOME):
        return None
    with folder.reading(_OUTCOME) as path:
        values = json.loads(path.read_text(encoding="utf-8"))
    epochs = tuple(Epoch(**e) for e in values["epochs"])
    resumed_after = tuple(values["resumed_after"])
    return Outcome(**{**values, "epochs": epochs, "resumed_after": resumed_after})
