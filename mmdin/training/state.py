"""The state of a network's training, saved after every epoch so that training can be resumed."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from mmdin.storage import Folder
from mmdin.training.assignment import Epoch

_STATE = "training_state.npz"


@dataclass(frozen=True)
class TrainingState:
    """The epochs so far, from which early stopping follows, and when training was started.

    Attributes:
        epochs: in order.
        started_at: seconds since 1970.
        resumed_after: epochs after which training was resumed; 0 is before the first had ended.
    """

    epochs: tuple[Epoch, ...]
    started_at: float
    resumed_after: tuple[int, ...] = ()

    def resumed(self) -> "TrainingState":
        """Return the same state, marked as resumed after its last epoch."""
        return replace(self, resumed_after=(*self.resumed_after, len(self.epochs)))

    def with_epoch(self, epoch: Epoch) -> "TrainingState":
        """Return the same state with one more epoch."""
        return replace(self, epochs=(*self.epochs, epoch))


def write_state(
    folder: Folder, state: TrainingState, variables: Sequence[npt.NDArray[Any]]
) -> None:
    """Write the state into the network's folder, atomically.

    Args:
        folder: the network's folder.
        state: the epochs so far.
        variables: values of everything that training changes, in a fixed order.
    """
    numbered = {f"variable_{n}": values for n, values in enumerate(variables)}
    with folder.writing(_STATE) as path:
        np.savez(path, allow_pickle=False, state=np.array(json.dumps(asdict(state))), **numbered)


def read_state(folder: Folder) -> tuple[TrainingState, list[npt.NDArray[Any]]] | None:
    """Read what write_state wrote.

    Returns:
        The state and the values of the variables, or None if there is no state.
    """
    if not folder.exists(_STATE):
        return None
    with folder.reading(_STATE) as path, np.load(path) as saved:
        values = json.loads(str(saved["state"]))
        variables = [saved[f"variable_{n}"] for n in range(len(saved.files) - 1)]
    epochs = tuple(Epoch(**e) for e in values["epochs"])
    return TrainingState(epochs, values["started_at"], tuple(values["resumed_after"])), variables


def has_state(folder: Folder) -> bool:
    """Return whether training can be resumed from this folder."""
    return folder.exists(_STATE)


def delete_state(folder: Folder) -> None:
    """Delete what write_state wrote; nothing resumes training that has ended."""
    folder.remove(_STATE)
