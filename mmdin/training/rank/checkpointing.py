"""What rank 0 prints and saves while a network is trained."""

import contextlib
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import tensorflow as tf

from mmdin.errors import ClusterError, StorageError
from mmdin.models.blocks import assign_block, blocks_of
from mmdin.models.checkpoint import save_network
from mmdin.models.network import RatingNetwork
from mmdin.storage import Folder, is_local, join, local_path, temporary_folder, upload
from mmdin.training.assignment import Assignment, Epoch, TrainingResult, write_result
from mmdin.training.state import TrainingState, Values, delete_state, read_state, write_state


class Checkpointer:
    """Saves a network's training in its checkpoint folder and prints its epochs.

    All methods raise ClusterError if the folder cannot be written.

    Args:
        assignment: the network and its settings.
        network: what is saved after the best epochs.
        variables: what is saved after every epoch, and restored.
        folder: the checkpoint folder.
    """

    def __init__(
        self,
        assignment: Assignment,
        network: RatingNetwork,
        variables: Sequence[tf.Variable],
        folder: Folder,
    ) -> None:
        self._assignment, self._folder = assignment, folder
        self._network, self._variables = network, variables
        self._board = TensorBoardWriter(folder)

    def restore(self) -> TrainingState:
        """Restore the variables to the saved state, or keep the initial ones if there is none.

        The returned state is saved at once, so that a restart during the first epoch is counted.
        """
        state = TrainingState((), time.time())
        variables = self._variables
        saved = read_state(self._folder, lambda n, *block: assign_block(variables[n], *block))
        if saved:
            state = saved.resumed()
            self._print(f"resumed after epoch {len(state.epochs)}")
        with _explained_errors():
            self._write_state(state)
        return state

    def save_epoch(self, state: TrainingState, is_best: bool) -> None:
        """Save the state and log its last epoch to the console and to TensorBoard.

        Args:
            state: the epochs so far.
            is_best: whether the last epoch is the best so far, so that its weights are saved.
        """
        assignment, epoch = self._assignment, state.epochs[-1]
        auc = epoch.validation_roc_auc
        with _explained_errors():
            self._board.write(epoch)
            if is_best:
                save_network(self._folder, self._network)
            self._write_state(state)
        self._print(
            f"epoch {epoch.epoch:3d}/{assignment.config.training.epochs}"
            f"  {epoch.rows_per_second:9,.0f} rows/s  loss {epoch.train_loss:.4f}"
            f"  validation loss {epoch.validation_loss:.4f}"
            f" AUC {'undefined' if math.isnan(auc) else f'{auc:.4f}'}"
            f"{'  best' if is_best else ''}"
        )

    def _write_state(self, state: TrainingState) -> None:
        values = [
            Values(tuple(v.shape), v.dtype.as_numpy_dtype, blocks_of(v)) for v in self._variables
        ]
        write_state(self._folder, state, values)

    def _print(self, message: str) -> None:
        print(f"{self._assignment.label:>13}  {message}", flush=True)


def finish(folder: Folder, result: TrainingResult) -> None:
    """Save the result of training that has ended, and delete the state it was resumed from.

    Raises:
        ClusterError: the folder cannot be written.
    """
    with _explained_errors():
        write_result(folder, result)
        delete_state(folder)


class TensorBoardWriter:
    """Writes epochs to the folder `tensorboard` of a checkpoint folder.

    TensorFlow writes to local disks only: for any other storage the logs are written to a temporary
    folder and uploaded.

    Args:
        folder: the checkpoint folder.
    """

    def __init__(self, folder: Folder) -> None:
        self._files, self._url = folder.files, join(folder.url, "tensorboard")
        self._scratch = None if is_local(self._url) else temporary_folder()
        self._path = Path(self._scratch.name) if self._scratch else local_path(self._url)
        self._writer = tf.summary.create_file_writer(str(self._path))

    def write(self, epoch: Epoch) -> None:
        """Write each number of the epoch as a scalar."""
        with self._writer.as_default(step=epoch.epoch):
            for name, value in asdict(epoch).items():
                tf.summary.scalar(name, value)
        self._writer.flush()
        if self._scratch:
            upload(self._files, self._path, self._url)


@contextlib.contextmanager
def _explained_errors() -> Iterator[None]:
    """Turn errors of writing into a ClusterError that tells the user how to go on."""
    try:
        yield
    except (StorageError, OSError, tf.errors.OpError) as error:
        raise ClusterError(
            f"cannot write {error}. Free some space or correct the permissions, and start training "
            "again: it is resumed after the last epoch that was saved"
        ) from error
