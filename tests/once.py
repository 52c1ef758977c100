"""What the processes that run tests make once for all of them."""

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path

Once = Callable[[str], contextlib.AbstractContextManager[tuple[Path, bool]]]
"""Gives a folder by its name, and whether it must be made."""


def under(shared: Path) -> Once:
    """Folders under one that all processes see: one process makes each, the others wait for it."""

    @contextlib.contextmanager
    def once(name: str) -> Iterator[tuple[Path, bool]]:
        folder = shared / name
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder, not (folder / "made").exists()
            (folder / "made").touch()

    return once
