"""Where the training of a network stands after an epoch, on disk, to go on from there."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

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


def write_progress(checkpoint: str, progress: Progress, variables: Sequence[np.ndarray]) -> None:
    """Leave progress, and the values of everything that training changes, in the network's folder.

    The file is there whole, or as it was: it is written beside its place, brought to the disk, and
    moved.
    """
    folder = Path(checkpoint)
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / f"new.{_PROGRESS}"
    with new.open("wb") as file:
        numbered = {f"variable_{n}": values for n, values in enumerate(variables)}
        np.savez(file, progress=np.array(json.dumps(asdict(progress))), **numbered)
        file.flush()
        os.fsync(file.fileno())
    new.replace(folder / _PROGRESS)


def read_progress(checkpoint: str) -> tuple[Progress, list[np.ndarray]] | None:
    """What write_progress left; None where it left nothing."""
    path = Path(checkpoint, _PROGRESS)
    if not path.exists():
        return None
    with np.load(path) as saved:
        values = json.loads(str(saved["progress"]))
        variables = [saved[f"variable_{n}"] for n in range(len(saved.files) - 1)]
    epochs = tuple(Epoch(**e) for e in values["epochs"])
    return Progress(epochs, values["started_at"], tuple(values["resumed_after"])), variables


def has_progress(checkpoint: str) -> bool:
    """Whether training can go on from this folder."""
    return Path(checkpoint, _PROGRESS).exists()


def forget_progress(checkpoint: str) -> None:
    """Remove what write_progress left, once training has ended."""
    Path(checkpoint, _PROGRESS).unlink(missing_ok=True)
