"""What rank 0 shows and keeps of a network's training."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import tensorflow as tf

from mmdin.errors import ClusterError, StorageError
from mmdin.models.checkpoint import save_network
from mmdin.storage import Folder, is_local, join, local_path, temporary_folder, upload
from mmdin.training.assignment import Assignment, Epoch, Outcome, write_outcome
from mmdin.training.rank.step import TrainingStep
from mmdin.training.state import Progress, forget_progress, read_progress, write_progress


class Record:
    """The console's lines of a network, and its checkpoint folder.

    Raises ClusterError where the folder cannot be written.
    """

    def __init__(self, assignment: Assignment, step: TrainingStep, folder: Folder) -> None:
        self._assignment, self._step, self._folder = assignment, step, folder
        self._board = _Board(folder)

    def find_progress(self) -> Progress:
        """Bring the network to where training stands: at what the folder holds, or at the start.

        Leaves it there, so that a restart is known of from the first epoch on.
        """
        progress = Progress((), time.time())
        if saved := read_progress(self._folder):
            progress = saved[0].resumed()
            for variable, values in zip(self._step.variables, saved[1], strict=True):
                variable.assign(values)
            self._say(f"goes on after epoch {len(progress.epochs)}")
        with _writing():
            self._leave(progress)
        return progress

    def take(self, progress: Progress, is_best: bool) -> None:
        """Print the last epoch, log it for TensorBoard, save the weights if it is the best, and
        leave where training stands."""
        assignment, epoch = self._assignment, progress.epochs[-1]
        with _writing():
            self._board.show(epoch)
            if is_best:
                network = self._step.network
                save_network(self._folder, assignment.model, assignment.vocabulary_sizes, network)
            self._leave(progress)
        self._say(
            f"epoch {epoch.epoch:3d}/{assignment.config.training.epochs}"
            f"  {epoch.rows_per_second:9,.0f} rows/s  loss {epoch.train_loss:.4f}"
            f"  validation loss {epoch.validation_loss:.4f} AUC {epoch.validation_roc_auc:.4f}"
            f"{'  best' if is_best else ''}"
        )

    def _leave(self, progress: Progress) -> None:
        write_progress(self._folder, progress, [v.numpy() for v in self._step.variables])

    def _say(self, what: str) -> None:
        print(f"{self._assignment.label:>13}  {what}", flush=True)


def end_record(folder: Folder, outcome: Outcome) -> None:
    """Leave the outcome, after which where training stood is of no more use."""
    with _writing():
        write_outcome(folder, outcome)
        forget_progress(folder)


class _Board:
    """A network's folder tensorboard, which TensorFlow itself can write on a local disk alone."""

    def __init__(self, folder: Folder) -> None:
        self._files, self._url = folder.files, join(folder.url, "tensorboard")
        self._scratch = None if is_local(self._url) else temporary_folder()
        self._path = Path(self._scratch.name) if self._scratch else local_path(self._url)
        self._writer = tf.summary.create_file_writer(str(self._path))

    def show(self, epoch: Epoch) -> None:
        """Log the epoch's numbers."""
        with self._writer.as_default(step=epoch.epoch):
            for name, value in asdict(epoch).items():
                tf.summary.scalar(name, value)
        self._writer.flush()
        if self._scratch:
            upload(self._files, self._path, self._url)


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except (StorageError, OSError, tf.errors.OpError) as error:
        raise ClusterError(
            f"cannot write {error}. Make room or mend what is wrong there, and start training "
            "again: it goes on after the last epoch that was saved"
        ) from error
