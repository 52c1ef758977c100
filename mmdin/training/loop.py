"""Training a network on one rank, in step with the others."""

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import keras
import numpy as np
import tensorflow as tf

from mmdin.config import Training
from mmdin.dataset.batches import TARGETS, batch_and_pad, shuffle_within
from mmdin.dataset.reader import read_rows
from mmdin.dataset.sharding import assign_files, count_rows, count_steps
from mmdin.errors import ClusterError
from mmdin.models import build_network
from mmdin.models.checkpoint import save_network
from mmdin.models.network import RatingNetwork
from mmdin.training.access import check_access
from mmdin.training.assignment import Assignment, Epoch, Outcome, write_outcome
from mmdin.training.devices import take_device
from mmdin.training.early_stopping import EarlyStopping
from mmdin.training.objective import log_losses
from mmdin.training.progress import Progress, forget_progress, read_progress, write_progress
from mmdin.training.ranks import Ranks
from mmdin.training.roc_auc import roc_auc
from mmdin.training.step import Scorer, TrainingStep
from mmdin.training.watchdog import Watchdog


def train_on_rank(assignments: Sequence[Assignment]) -> None:
    """Train the assigned networks on this rank, one after the other.

    Rank 0 prints each epoch, writes TensorBoard logs, and keeps each network's best weights, where
    it stands after every epoch, and its outcome in its checkpoint folder. A network that stands
    somewhere already goes on from there.

    Raises ClusterError where a rank cannot read the samples or write the checkpoint folder.
    """
    ranks = Ranks()
    take_device(ranks, assignments[0].threads)
    check_access(assignments[0], ranks)
    timeout = assignments[0].config.training.step_timeout
    with Watchdog(timeout, lambda silence: ranks.give_up(_standstill(silence))) as watchdog:
        for assignment in assignments:
            keras.backend.clear_session()
            keras.utils.set_random_seed(assignment.seed)
            keras.config.set_dtype_policy(assignment.config.training.precision)
            outcome = train_network(assignment, ranks, watchdog)
            if ranks.rank == 0:
                write_outcome(assignment.checkpoint, outcome)
                forget_progress(assignment.checkpoint)


def train_network(assignment: Assignment, ranks: Ranks, watchdog: Watchdog) -> Outcome:
    """Train one network until early stopping or the last epoch; every rank decides alike."""
    config = assignment.config
    network = build_network(assignment.model, config.networks, assignment.vocabulary_sizes)
    training_rows = count_rows(assignment.train_files)
    step = TrainingStep(network, config.training, ranks, training_rows)
    scorer = Scorer(network)
    progress = _stand_where_left(assignment, step, ranks)
    stopping = EarlyStopping(config.training.patience)
    for epoch in progress.epochs:
        stopping.is_best(epoch.epoch, epoch.validation_roc_auc)
    data = RankData(assignment, ranks, network)
    record = _Record(assignment, step) if ranks.rank == 0 else None
    while not _is_over(progress, config.training, stopping):
        epoch = _run_epoch(len(progress.epochs) + 1, step, scorer, data, ranks, watchdog)
        progress = progress.and_then(epoch)
        is_best = stopping.is_best(epoch.epoch, epoch.validation_roc_auc)
        if record:
            with _writing_to(assignment.checkpoint):
                record.take(progress, is_best)
    return Outcome(
        progress.epochs,
        stopping.best_epoch,
        int(network.count_params()),
        progress.started_at,
        time.time(),
        progress.resumed_after,
    )


def _stand_where_left(assignment: Assignment, step: TrainingStep, ranks: Ranks) -> Progress:
    """Where training stands on every rank: at what rank 0 finds in the checkpoint folder, or at
    the start. Leaves it there, so that a restart is known of from the first epoch on."""
    progress = Progress((), time.time())
    if ranks.rank == 0:
        if saved := read_progress(assignment.checkpoint):
            progress = saved[0].resumed()
            for variable, values in zip(step.variables, saved[1], strict=True):
                variable.assign(values)
            print(f"{assignment.label:>13}  goes on after epoch {len(progress.epochs)}", flush=True)
        with _writing_to(assignment.checkpoint):
            _leave(assignment, step, progress)
    ranks.broadcast(step.variables)
    return ranks.share(progress)


@contextlib.contextmanager
def _writing_to(checkpoint: str) -> Iterator[None]:
    """Raises ClusterError where what is written in the context cannot be."""
    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        number = getattr(error, "errno", None)
        reason = os.strerror(number) if number else error
        raise ClusterError(
            f"cannot write to {checkpoint}: {reason}. Make room or mend what is wrong there, and "
            "start training again: it goes on after the last epoch that was saved"
        ) from error


def _leave(assignment: Assignment, step: TrainingStep, progress: Progress) -> None:
    write_progress(assignment.checkpoint, progress, [v.numpy() for v in step.variables])


def _is_over(progress: Progress, training: Training, stopping: EarlyStopping) -> bool:
    done = len(progress.epochs)
    return done >= training.epochs or stopping.should_stop(done)


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
    number: int,
    step: TrainingStep,
    scorer: Scorer,
    data: RankData,
    ranks: Ranks,
    watchdog: Watchdog,
) -> Epoch:
    started = time.monotonic()
    losses, rows = 0.0, 0.0
    with data.training(number) as batches:
        for loss, count in map(step, batches):
            losses += float(loss)
            rows += float(count)
            watchdog.beat()
    trained = time.monotonic()
    scored = ranks.gather(np.concatenate([scorer(batch) for batch in data.validation()]))
    data.check_all_read(rows, len(scored))
    watchdog.beat()
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


def _standstill(silence: float) -> str:
    return (
        f"no step within {silence:.0f} s (training.step_timeout): another rank hangs, or what "
        "this one reads from does"
    )


class _Record:
    """What rank 0 shows and keeps of each epoch."""

    def __init__(self, assignment: Assignment, step: TrainingStep) -> None:
        self._assignment, self._step = assignment, step
        self._board = tf.summary.create_file_writer(f"{assignment.checkpoint}/tensorboard")

    def take(self, progress: Progress, is_best: bool) -> None:
        """Print the last epoch, log it for TensorBoard, save the weights if it is the best, and
        leave where training stands."""
        assignment, epoch = self._assignment, progress.epochs[-1]
        with self._board.as_default(step=epoch.epoch):
            for name, value in asdict(epoch).items():
                tf.summary.scalar(name, value)
        self._board.flush()
        if is_best:
            save_network(
                assignment.checkpoint,
                assignment.model,
                assignment.vocabulary_sizes,
                self._step.network,
            )
        _leave(assignment, self._step, progress)
        print(
            f"{assignment.label:>13}  epoch {epoch.epoch:3d}/{assignment.config.training.epochs}"
            f"  {epoch.rows_per_second:9,.0f} rows/s  loss {epoch.train_loss:.4f}"
            f"  validation loss {epoch.validation_loss:.4f} AUC {epoch.validation_roc_auc:.4f}"
            f"{'  best' if is_best else ''}",
            flush=True,
        )
