"""Where the training of a network stands after an epoch, in its folder, to go on from there."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from mmdin.storage import Folder
from mmdin.training.assignment import Epoch

_PROGRESS = "progress.npz"


@dataclass(frozen=True)
class Progress:
    """What the epochs so far came to, from which early stopping follows, and when training began.

    epochs: in order; started_at: seconds since 1970; resumed_after: epochs after which training was
    started again, 0 for before the first had ended.
    """

    epochs: tuple[Epoch, ...]
    started_at: float
    resumed_after: tuple[int, ...] = ()

    def resumed(self) -> "Progress":
        """The same, started again now."""
        return replace(self, resumed_after=(*self.resumed_after, len(self.epochs)))

    def and_then(self, epoch: Epoch) -> "Progress":
        """The same with one more epoch."""
        return replace(self, epochs=(*self.epochs, epoch))


def write_progress(folder: Folder, progress: Progress, variables: Sequence[np.ndarray]) -> None:
    """Leave progress, and the values of everything that training changes, in the network's folder.

    The file is there whole, or as it was.
    """
    numbered = {f"variable_{n}": values for n, values in enumerate(variables)}
    with folder.writing(_PROGRESS) as path:
        np.savez(path, progress=np.array(json.dumps(asdict(progress))), **numbered)


def read_progress(folder: Folder) -> tuple[Progress, list[np.ndarray]] | None:
    """What write_progress left; None where it left nothing."""
    if not folder.exists(_PROGRESS):
        return None
    with folder.reading(_PROGRESS) as path, np.load(path) as saved:
        values = json.loads(str(saved["progress"]))
        variables = [saved[f"variable_{n}"] for n in range(len(saved.files) - 1)]
    epochs = tuple(Epoch(**e) for e in values["epochs"])
    return Progress(epochs, values["started_at"], tuple(values["resumed_after"])), variables


def has_progress(folder: Folder) -> bool:
    """Whether training can go on from this folder."""
    return folder.exists(_PROGRESS)


def forget_progress(folder: Folder) -> None:
    """Remove what write_progress left, once training has ended."""
    folder.remove(_PROGRESS)
