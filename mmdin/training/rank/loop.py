"""The training loop of one rank, in lockstep with the others."""

import math
import time
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from mmdin.config import Training
from mmdin.roc_auc import roc_auc
from mmdin.storage import Files, Folder, connect
from mmdin.training.assignment import Assignment, Epoch, TrainingResult
from mmdin.training.rank.access import check_access
from mmdin.training.rank.checkpointing import Checkpointer, finish
from mmdin.training.rank.data import RankData
from mmdin.training.rank.devices import configure_device
from mmdin.training.rank.early_stopping import EarlyStopping
from mmdin.training.rank.objective import log_losses
from mmdin.training.rank.step import Learner, Steps
from mmdin.training.rank.watchdog import Watchdog
from mmdin.training.ranks import Communicator, TrainingFailedError
from mmdin.training.state import TrainingState


def train_on_rank(assignments: Sequence[Assignment]) -> None:
    """Train the assigned networks on this rank, one after the other.

    Rank 0 prints each epoch and saves, in each network's checkpoint folder, TensorBoard logs, the
    best weights, the state after every epoch and the result. A network with a saved state is
    resumed from it.

    Raises:
        ClusterError: a rank cannot read the samples or write the checkpoint folder.
    """
    first = assignments[0]
    communicator = Communicator(first.config.training.horovod_cycle_ms)
    configure_device(communicator, first.threads)
    timeout = first.config.training.step_timeout
    with (
        connect(first.checkpoint, first.hadoop) as files,
        Watchdog(timeout, lambda silence: communicator.abort(_timeout(silence))) as watchdog,
    ):
        check_access(first, communicator, files)
        steps = Steps(communicator)
        for assignment in assignments:
            result = train_network(assignment, steps, watchdog, files)
            if communicator.rank == 0:
                finish(Folder(files, assignment.checkpoint), result)


def train_network(
    assignment: Assignment, steps: Steps, watchdog: Watchdog, files: Files
) -> TrainingResult:
    """Train one network until early stopping or the last epoch; every rank decides alike."""
    config = assignment.config
    communicator = steps.communicator
    learner = steps.make(assignment)
    variables = [*learner.step.variables, *learner.averaged.state]
    checkpointer = None
    if communicator.rank == 0:
        folder = Folder(files, assignment.checkpoint)
        checkpointer = Checkpointer(assignment, learner.averaged.network, variables, folder)
    state = _restore_state(checkpointer, variables, communicator)
    stopping = EarlyStopping(config.training.patience)
    for epoch in state.epochs:
        stopping.is_best(epoch.epoch, quality(epoch))
    data = RankData(assignment, communicator, learner.step.network, files)
    while not _is_over(state, config.training, stopping):
        epoch = _run_epoch(len(state.epochs) + 1, learner, data, communicator, watchdog)
        _refuse_divergence(epoch, assignment.label)
        state = state.with_epoch(epoch)
        is_best = stopping.is_best(epoch.epoch, quality(epoch))
        if checkpointer:
            checkpointer.save_epoch(state, is_best)
    return TrainingResult(
        epochs=state.epochs,
        best_epoch=stopping.best_epoch,
        parameters=int(learner.step.network.count_params()),
        started_at=state.started_at,
        ended_at=time.time(),
        resumed_after=state.resumed_after,
    )


def quality(epoch: Epoch) -> float:
    """By what epochs are compared: the ROC AUC or, if validation rows are of one class, the loss.

    Not a number if the network gives none.
    """
    auc = epoch.validation_roc_auc
    return -epoch.validation_loss if math.isnan(auc) else auc


def _refuse_divergence(epoch: Epoch, label: str) -> None:
    """Raise TrainingFailedError if the first epoch gave no numbers; later ones have an earlier."""
    if epoch.epoch == 1 and not math.isfinite(epoch.train_loss):
        raise TrainingFailedError(
            f"{label}: the loss of the first epoch is {epoch.train_loss}, since the weights grew "
            "without bound: lower training.learning_rate and training.factor_learning_rate"
        )


def _restore_state(
    checkpointer: Checkpointer | None, variables: Sequence[tf.Variable], communicator: Communicator
) -> TrainingState:
    """Restore the state on rank 0, which has the checkpointer, and send it to all ranks."""
    state = checkpointer.restore() if checkpointer else None
    communicator.broadcast_variables(variables)
    restored: TrainingState = communicator.broadcast_object(state)
    return restored


def _is_over(state: TrainingState, training: Training, stopping: EarlyStopping) -> bool:
    done = len(state.epochs)
    return done >= training.epochs or stopping.should_stop(done)


def _run_epoch(
    number: int,
    learner: Learner,
    data: RankData,
    communicator: Communicator,
    watchdog: Watchdog,
) -> Epoch:
    started = time.monotonic()
    losses, rows = 0.0, 0.0
    with data.training(number) as batches:
        steps = len(batches)
        for done, (loss, count) in enumerate(map(learner.step, batches), 1):
            losses += float(loss)
            rows += float(count)
            learner.averaged.after_step(done, steps)
            watchdog.beat()
    trained = time.monotonic()
    scored = communicator.allgather(
        np.concatenate([learner.scorer(batch) for batch in data.validation()])
    )
    data.check_all_read(rows, len(scored))
    watchdog.beat()
    labels, logits = scored[:, 0], scored[:, 1]
    return Epoch(
        epoch=number,
        learning_rate=float(learner.step.optimizer.learning_rate),
        train_loss=losses / rows,
        validation_loss=float(np.mean(log_losses(labels, logits), dtype=np.float64)),
        validation_roc_auc=roc_auc(labels, logits),
        rows_per_second=rows / (trained - started),
        seconds=time.monotonic() - started,
    )


def _timeout(silence: float) -> str:
    return (
        f"no step within {silence:.0f} s (training.step_timeout): another rank hangs, or the "
        "storage that this one reads from does"
    )
