"""Training a network on one rank, in step with the others."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import keras
import numpy as np
import tensorflow as tf

from mmdin.dataset.batches import TARGETS, batch_and_pad, shuffle_within
from mmdin.dataset.reader import read_rows
from mmdin.dataset.sharding import assign_files, count_rows, count_steps
from mmdin.models import build_network
from mmdin.models.checkpoint import save_network
from mmdin.models.network import RatingNetwork
from mmdin.training.assignment import Assignment, Epoch, Outcome, write_outcome
from mmdin.training.early_stopping import EarlyStopping
from mmdin.training.objective import log_losses
from mmdin.training.ranks import Ranks
from mmdin.training.roc_auc import roc_auc
from mmdin.training.step import Scorer, TrainingStep


def train_on_rank(assignments: Sequence[Assignment]) -> None:
    """Train the assigned networks on this rank, one after the other.

    Rank 0 prints each epoch, writes TensorBoard logs, and keeps each network's best weights and
    its outcome in its checkpoint folder.
    """
    _set_up_tensorflow(assignments[0].threads)
    ranks = Ranks()
    for assignment in assignments:
        keras.backend.clear_session()
        keras.utils.set_random_seed(assignment.seed)
        outcome = train_network(assignment, ranks)
        if ranks.rank == 0:
            write_outcome(assignment.checkpoint, outcome)


def train_network(assignment: Assignment, ranks: Ranks) -> Outcome:
    """Train one network until early stopping or the last epoch; every rank decides alike."""
    started_at = time.time()
    config = assignment.config
    network = build_network(assignment.model, config.networks, assignment.vocabulary_sizes)
    training_rows = count_rows(assignment.train_files)
    step = TrainingStep(network, config.training, ranks, training_rows)
    scorer = Scorer(network)
    ranks.broadcast([v.value for v in network.variables])
    data = RankData(assignment, ranks, network)
    stopping = EarlyStopping(config.training.patience)
    record = _Record(assignment, network) if ranks.rank == 0 else None
    epochs: list[Epoch] = []
    for number in range(1, config.training.epochs + 1):
        epochs.append(_run_epoch(number, step, scorer, data, ranks))
        is_best = stopping.is_best(number, epochs[-1].validation_roc_auc)
        if record:
            record.take(epochs[-1], is_best)
        if stopping.should_stop(number):
            break
    return Outcome(
        epochs, stopping.best_epoch, int(network.count_params()), started_at, time.time()
    )


class RankData:
    """This rank's batches: int32 [batch_size, targets + inputs + 1]."""

    def __init__(self, assignment: Assignment, ranks: Ranks, network: RatingNetwork) -> None:
        self._assignment, self._ranks = assignment, ranks
        self._columns = [*TARGETS, *(i.column for i in network.inputs_taken)]
        self._validation: list[tf.Tensor] | None = None

    def check_all_read(self, trained: float, validated: int) -> None:
        """Raises RuntimeError where the ranks together did not see every row of an epoch."""
        assignment = self._assignment
        expected = count_rows(assignment.train_files), count_rows(assignment.validation_files)
        if (trained, validated) != expected:
            raise RuntimeError(
                f"of {expected[0]} training and {expected[1]} validation rows, {trained:.0f} and "
                f"{validated} were read"
            )

    @contextlib.contextmanager
    def training(self, epoch: int) -> Iterator[tf.data.Dataset]:
        """Shuffled batches of the epoch: all rows once over the ranks, as many steps on each."""
        training, own_seed = self._assignment.config.training, self._assignment.seed
        assigned = assign_files(self._assignment.train_files, self._ranks.size, own_seed, epoch)
        steps = count_steps(assigned, training.batch_size)
        seed = own_seed * 1_000_003 + epoch * 1009 + self._ranks.rank
        with read_rows(assigned[self._ranks.rank], self._columns, seed % 2**31 + 1) as chunks:
            shuffled = shuffle_within(chunks, training.shuffle_rows, seed % 2**31)
            yield batch_and_pad(shuffled, training.batch_size, steps).prefetch(2)

    def validation(self) -> list[tf.Tensor]:
        """This rank's validation batches, read once and kept."""
        if self._validation is None:
            batch_size = self._assignment.config.training.batch_size
            assigned = assign_files(
                self._assignment.validation_files,
                self._ranks.size,
                self._assignment.seed,
                epoch=0,
            )
            steps = count_steps(assigned, batch_size)
            own = assigned[self._ranks.rank]
            with read_rows(own, self._columns, seed=1) as chunks:
                self._validation = list(batch_and_pad(chunks, batch_size, steps))
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
    data.check_all_read(rows, len(scored))
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


def _set_up_tensorflow(threads: int) -> None:
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    tf.config.experimental.enable_op_determinism()


class _Record:
    """What rank 0 shows and keeps of each epoch."""

    def __init__(self, assignment: Assignment, network: RatingNetwork) -> None:
        self._assignment, self._network = assignment, network
        self._board = tf.summary.create_file_writer(f"{assignment.checkpoint}/tensorboard")

    def take(self, epoch: Epoch, is_best: bool) -> None:
        """Print the epoch, log it for TensorBoard, and save the weights if it is the best."""
        assignment = self._assignment
        with self._board.as_default(step=epoch.epoch):
            for name, value in asdict(epoch).items():
                tf.summary.scalar(name, value)
        self._board.flush()
        if is_best:
            save_network(
                assignment.checkpoint,
                assignment.model,
                assignment.vocabulary_sizes,
                self._network,
            )
        print(
            f"{assignment.label:>13}  epoch {epoch.epoch:3d}/{assignment.config.training.epochs}"
            f"  {epoch.rows_per_second:9,.0f} rows/s  loss {epoch.train_loss:.4f}"
            f"  validation loss {epoch.validation_loss:.4f} AUC {epoch.validation_roc_auc:.4f}"
            f"{'  best' if is_best else ''}",
            flush=True,
        )
