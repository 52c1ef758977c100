"""Training a network on one rank, in step with the others."""

import time
from collections.abc import Sequence

import numpy as np

from mmdin.config import Training
from mmdin.storage import Files, Folder, connect
from mmdin.training.assignment import Assignment, Epoch, Outcome
from mmdin.training.rank.access import check_access
from mmdin.training.rank.checkpointing import Record, end_record
from mmdin.training.rank.data import RankData
from mmdin.training.rank.devices import take_device
from mmdin.training.rank.early_stopping import EarlyStopping
from mmdin.training.rank.objective import log_losses
from mmdin.training.rank.roc_auc import roc_auc
from mmdin.training.rank.step import Scorer, TrainingStep, make_step
from mmdin.training.rank.watchdog import Watchdog
from mmdin.training.ranks import Ranks
from mmdin.training.state import Progress


def train_on_rank(assignments: Sequence[Assignment]) -> None:
    """Train the assigned networks on this rank, one after the other.

    Rank 0 prints each epoch, writes TensorBoard logs, and keeps each network's best weights, where
    it stands after every epoch, and its outcome in its checkpoint folder. A network that stands
    somewhere already goes on from there.

    Raises ClusterError where a rank cannot read the samples or write the checkpoint folder.
    """
    first = assignments[0]
    ranks = Ranks(first.config.training.exchange_cycle)
    take_device(ranks, first.threads)
    timeout = first.config.training.step_timeout
    with (
        connect(first.checkpoint, first.hadoop) as files,
        Watchdog(timeout, lambda silence: ranks.give_up(_standstill(silence))) as watchdog,
    ):
        check_access(first, ranks, files)
        for assignment in assignments:
            outcome = train_network(assignment, ranks, watchdog, files)
            if ranks.rank == 0:
                end_record(Folder(files, assignment.checkpoint), outcome)


def train_network(
    assignment: Assignment, ranks: Ranks, watchdog: Watchdog, files: Files
) -> Outcome:
    """Train one network until early stopping or the last epoch; every rank decides alike."""
    config = assignment.config
    step = make_step(assignment, ranks)
    scorer = Scorer(step.network)
    folder = Folder(files, assignment.checkpoint)
    record = Record(assignment, step, folder) if ranks.rank == 0 else None
    progress = _stand_where_left(record, step, ranks)
    stopping = EarlyStopping(config.training.patience)
    for epoch in progress.epochs:
        stopping.is_best(epoch.epoch, epoch.validation_roc_auc)
    data = RankData(assignment, ranks, step.network, files)
    while not _is_over(progress, config.training, stopping):
        epoch = _run_epoch(len(progress.epochs) + 1, step, scorer, data, ranks, watchdog)
        progress = progress.and_then(epoch)
        is_best = stopping.is_best(epoch.epoch, epoch.validation_roc_auc)
        if record:
            record.take(progress, is_best)
    return Outcome(
        epochs=progress.epochs,
        best_epoch=stopping.best_epoch,
        parameters=int(step.network.count_params()),
        started_at=progress.started_at,
        ended_at=time.time(),
        resumed_after=progress.resumed_after,
    )


def _stand_where_left(record: Record | None, step: TrainingStep, ranks: Ranks) -> Progress:
    """Where training stands, on every rank as on the one that keeps the record."""
    progress = record.find_progress() if record else None
    ranks.broadcast(step.variables)
    return ranks.share(progress)


def _is_over(progress: Progress, training: Training, stopping: EarlyStopping) -> bool:
    done = len(progress.epochs)
    return done >= training.epochs or stopping.should_stop(done)


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
