"""The state of a network's training, saved after every epoch so that training can be resumed."""

import itertools
import json
import math
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mmdin.storage import Folder, row_ranges
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


class Values(NamedTuple):
    """The values of a variable, which need never be in memory all at once.

    Attributes:
        shape: of the variable.
        dtype: its NumPy type.
        blocks: the values in order, in blocks of rows.
    """

    shape: tuple[int, ...]
    dtype: npt.DTypeLike
    blocks: Iterable[npt.NDArray[Any]]


def write_state(folder: Folder, state: TrainingState, variables: Sequence[Values]) -> None:
    """Write the state into the network's folder, atomically, as numpy.savez does.

    Args:
        folder: the network's folder.
        state: the epochs so far.
        variables: values of everything that training changes, in a fixed order.
    """
    epochs = np.array(json.dumps(asdict(state)))
    arrays = [Values(epochs.shape, epochs.dtype, [epochs]), *variables]
    with folder.writing(_STATE) as path, zipfile.ZipFile(path, "w") as archive:
        for name, values in zip(_names(), arrays, strict=False):
            with archive.open(name, "w", force_zip64=True) as file:
                _write_header(file, values)
                for block in values.blocks:
                    file.write(block.tobytes())


def read_state(
    folder: Folder, take: Callable[[int, int, npt.NDArray[Any]], None] = lambda *block: None
) -> TrainingState | None:
    """Read what write_state wrote.

    Args:
        folder: the network's folder.
        take: called with each block of the variables: the variable's number, the number of the
            block's first row, and its values.

    Returns:
        The state, or None if there is none.
    """
    if not folder.exists(_STATE):
        return None
    with folder.reading(_STATE) as path, zipfile.ZipFile(path) as archive:
        first, *others = itertools.islice(_names(), len(archive.namelist()))
        with archive.open(first) as file:
            ((_, text),) = _read_blocks(file)
        for number, name in enumerate(others):
            with archive.open(name) as file:
                for start, block in _read_blocks(file):
                    take(number, start, block)
    values = json.loads(str(text))
    return TrainingState(
        tuple(Epoch(**e) for e in values["epochs"]),
        values["started_at"],
        tuple(values["resumed_after"]),
    )


def _names() -> Iterator[str]:
    """Names of the arrays in the file."""
    return itertools.chain(["state.npy"], (f"variable_{n}.npy" for n in itertools.count()))


def _write_header(file: IO[bytes], values: Values) -> None:
    description = np.lib.format.dtype_to_descr(np.dtype(values.dtype))
    np.lib.format.write_array_header_1_0(
        file, {"descr": description, "fortran_order": False, "shape": values.shape}
    )


def _read_blocks(file: IO[bytes]) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    """Yield an array's blocks of rows, each with the number of its first; a scalar is one block."""
    np.lib.format.read_magic(file)
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    for start, end in row_ranges(shape, dtype.itemsize):
        of_block = (end - start, *shape[1:]) if shape else ()
        block = np.frombuffer(file.read(math.prod(of_block) * dtype.itemsize), dtype)
        yield start, block.reshape(of_block)


def has_state(folder: Folder) -> bool:
    """Return whether training can be resumed from this folder."""
    return folder.exists(_STATE)


def delete_state(folder: Folder) -> None:
    """Delete what write_state wrote; nothing resumes training that has ended."""
    folder.remove(_STATE)
