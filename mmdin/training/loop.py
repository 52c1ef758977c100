"""Training a network on one rank, in step with the others."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mmdin.config import Config, ModelName
from mmdin.dataset.batches import batch_and_pad, shuffle_within
from mmdin.dataset.reader import read_rows
from mmdin.dataset.sharding import assign_files, count_steps
from mmdin.models import build_network
from mmdin.models.checkpoint import save_network
from mmdin.models.network import RatingNetwork
from mmdin.tables import DataFile
from mmdin.training.early_stopping import EarlyStopping
from mmdin.training.ranks import Ranks
from mmdin.training.roc_auc import roc_auc
from mmdin.training.step import Scorer, TrainingStep, log_losses


@dataclass(frozen=True)
class Assignment:
    """What the driver tells every rank: the same to each, so all decide alike.

    model: network to train; config: the whole configuration; vocabulary_sizes: rows of each
    vocabulary; train_files, validation_files: active files of the pinned version of samples;
    checkpoint: folder for weights and TensorBoard logs; threads: of TensorFlow per rank.
    """

    model: ModelName
    config: Config
    vocabulary_sizes: dict[str, int]
    train_files: list[DataFile]
    validation_files: list[DataFile]
    checkpoint: str
    threads: int


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
    """What a rank returns to the driver; the same from each."""

    epochs: list[Epoch]
    best_epoch: int
    parameters: int


def train_on_rank(assignment: Assignment) -> Outcome:
    """Train the assigned network on this rank until early stopping or the last epoch.

    Rank 0 prints each epoch, writes TensorBoard logs, and keeps the best epoch's weights.
    """
    _set_up_tensorflow(assignment)
    ranks = Ranks()
    config = assignment.config
    network = build_network(assignment.model, config.networks, assignment.vocabulary_sizes)
    step = TrainingStep(network, config.training, ranks)
    ranks.broadcast([v.value for v in network.variables])
    data = RankData(assignment, ranks, network)
    stopping = EarlyStopping(config.training.patience)
    board = _open_board(assignment, ranks)
    epochs: list[Epoch] = []
    for number in range(1, config.training.epochs + 1):
        epoch = _run_epoch(number, step, Scorer(network), data, ranks)
        epochs.append(epoch)
        is_best = stopping.is_best(number, epoch.validation_roc_auc)
        if ranks.rank == 0:
            _report(assignment.model, config, epoch, is_best, board)
            if is_best:
                save_network(
                    assignment.checkpoint, assignment.model, assignment.vocabulary_sizes, network
                )
        if stopping.should_stop(number):
            break
    return Outcome(epochs, stopping.best_epoch, int(network.count_params()))


class RankData:
    """This rank's batches: int32 [batch_size, 1 + inputs + 1] (label, indices, weight)."""

    def __init__(self, assignment: Assignment, ranks: Ranks, network: RatingNetwork) -> None:
        self._assignment, self._ranks = assignment, ranks
        self._columns = ["label", *(i.column for i in network.inputs_taken)]
        self._validation: list[tf.Tensor] | None = None

    @contextlib.contextmanager
    def training(self, epoch: int) -> Iterator[tf.data.Dataset]:
        """Shuffled batches of the epoch: all rows once over the ranks, as many steps on each."""
        config = self._assignment.config
        assigned = assign_files(
            self._assignment.train_files, self._ranks.size, config.seed, epoch
        )
        steps = count_steps(assigned, config.training.batch_size)
        seed = config.seed * 1_000_003 + epoch * 1009 + self._ranks.rank
        with read_rows(assigned[self._ranks.rank], self._columns, seed % 2**31 + 1) as chunks:
            shuffled = shuffle_within(chunks, config.training.shuffle_rows, seed % 2**31)
            yield batch_and_pad(shuffled, config.training.batch_size, steps).prefetch(2)

    def validation(self) -> list[tf.Tensor]:
        """This rank's validation batches, read once and kept."""
        if self._validation is None:
            config = self._assignment.config
            assigned = assign_files(
                self._assignment.validation_files, self._ranks.size, config.seed, epoch=0
            )
            steps = count_steps(assigned, config.training.batch_size)
            own = assigned[self._ranks.rank]
            with read_rows(own, self._columns, seed=1) as chunks:
                self._validation = list(batch_and_pad(chunks, config.training.batch_size, steps))
        return self._validation


def _run_epoch(
    number: int, step: TrainingStep, scorer: Scorer, data: RankData, ranks: Ranks
) -> Epoch:
    started = time.monotonic()
    losses, rows = 0.0, 0.0
    with data.training(number) as batches:
        for loss, count in map(step, batches):
            losses += float(loss)
            rows += float(count)
    trained = time.monotonic()
    scored = ranks.gather(np.concatenate([scorer(batch) for batch in data.validation()]))
    labels, logits = scored[:, 0], scored[:, 1]
    return Epoch(
        epoch=number,
        learning_rate=float(step.optimizer.learning_rate),
        train_loss=losses / rows,
        validation_loss=float(np.mean(log_losses(labels, logits), dtype=np.float64)),
        validation_roc_auc=roc_auc(labels, logits),
        rows_per_second=rows / (trained - started),
        seconds=time.monotonic() - started,
    )


def _set_up_tensorflow(assignment: Assignment) -> None:
    tf.config.threading.set_intra_op_parallelism_threads(assignment.threads)
    tf.config.threading.set_inter_op_parallelism_threads(assignment.threads)
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(assignment.config.seed)


def _open_board(assignment: Assignment, ranks: Ranks) -> Any:
    if ranks.rank > 0:
        return None
    return tf.summary.create_file_writer(f"{assignment.checkpoint}/tensorboard")


def _report(model: str, config: Config, epoch: Epoch, is_best: bool, board: Any) -> None:
    with board.as_default(step=epoch.epoch):
        for name, value in asdict(epoch).items():
            tf.summary.scalar(name, value)
    board.flush()
    print(
        f"{model:>13}  epoch {epoch.epoch:3d}/{config.training.epochs}"
        f"  {epoch.rows_per_second:9,.0f} rows/s  loss {epoch.train_loss:.4f}"
        f"  validation loss {epoch.validation_loss:.4f} AUC {epoch.validation_roc_auc:.4f}"
        f"{'  best' if is_best else ''}",
        flush=True,
    )
