"""The back end for local files: plain paths and file: URLs, in Python alone."""

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from mmdin.errors import StorageError
from mmdin.storage.errors import translated_errors
from mmdin.storage.files import Folder, StoredFile
from mmdin.storage.scratch import temporary_name
from mmdin.storage.urls import local_path


class LocalFiles:
    """Files on this machine's file systems; see `mmdin.storage.files.Files`."""

    def exists(self, url: str) -> bool:
        """Whether there is such a file or folder."""
        with translated_errors(url):
            return local_path(url).exists()

    def list(self, url: str, recursive: bool = False) -> list[StoredFile]:
        """The files in a folder in order of their names; none if there is no such folder."""
        folder = local_path(url)
        with translated_errors(url, inner=True):
            if folder.is_file():
                return [_stored("", folder.stat())]
            if not folder.is_dir():
                return []
            found = list(walk(os.fsencode(folder), recursive=recursive))
        regular = [(n, s) for n, s in found if s and stat.S_ISREG(s.st_mode)]
        return sorted((_stored(os.fsdecode(n), s) for n, s in regular), key=lambda f: f.name)

    def size(self, url: str) -> int:
        """Size of a file in bytes."""
        with translated_errors(url):
            return local_path(url).stat().st_size

    def read(self, url: str, limit: int | None = None) -> bytes:
        """Content of a file, or its first bytes."""
        with translated_errors(url), local_path(url).open("rb") as file:
            return file.read(limit)

    def write(self, url: str, content: bytes) -> None:
        """Create or replace a file at once."""
        with self.writing(url) as path:
            path.write_bytes(content)

    @contextlib.contextmanager
    def reading(self, url: str) -> Iterator[Path]:
        """The file's own path."""
        with translated_errors(url):
            yield local_path(url)

    @contextlib.contextmanager
    def writing(self, url: str) -> Iterator[Path]:
        """A path next to the file, which it replaces when the context ends without an error."""
        path = local_path(url)
        temporary = path.with_name(temporary_name(path.name))
        with translated_errors(url):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                yield temporary
                # On the disk before it replaces the file that is there.
                with temporary.open("rb") as file:
                    os.fsync(file.fileno())
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)

    def get(self, url: str, path: Path) -> None:
        """Copy a file to another path."""
        with translated_errors(url):
            shutil.copyfile(local_path(url), path)

    def put(self, path: Path, url: str) -> None:
        """Copy a file to a URL at once."""
        with self.writing(url) as temporary:
            shutil.copyfile(path, temporary)

    def remove(self, url: str) -> None:
        """Delete a file, or a folder with everything in it; do nothing if there is none."""
        path = local_path(url)
        with translated_errors(url):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def replace_folder(self, path: Path, url: str, last: str) -> None:
        """Copy a local folder, in place of the folder that is there, by renames."""
        target = local_path(url)
        new, old = (target.with_name(temporary_name(target.name)) for _ in range(2))
        with translated_errors(url, inner=True):
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copytree(path, new, copy_function=_copy_to_disk)
                if target.exists():
                    target.rename(old)
                new.rename(target)
            finally:
                if old.exists() and not target.exists():
                    old.rename(target)
                for folder in (new, old):
                    shutil.rmtree(folder, ignore_errors=True)


def _copy_to_disk(source: str, target: str) -> None:
    shutil.copyfile(source, target)
    # On the disk before it replaces the file that is there.
    with Path(target).open("rb") as file:
        os.fsync(file.fileno())


def local_folder(path: str | Path) -> Folder:
    """The folder at a local path."""
    return Folder(LocalFiles(), str(path))


def walk(
    folder: bytes,
    wanted: Callable[[bytes], bool] = lambda name: True,
    recursive: bool = True,
) -> Iterator[tuple[bytes, os.stat_result | None]]:
    """Walk through a folder, by names as the disk has them, which need not be text.

    Links are followed, but not to a folder that they are in.

    Args:
        folder: to walk through.
        wanted: tells by its name whether to look at a file or folder.
        recursive: whether to walk through its subfolders too.

    Yields:
        The path in the folder, and the state, of everything that is not a folder; no state if there
        is nothing at the end of a link.

    Raises:
        OSError: a folder cannot be read.
    """
    yield from _walk(folder, b"", wanted, recursive, ())


def _walk(
    folder: bytes,
    prefix: bytes,
    wanted: Callable[[bytes], bool],
    recursive: bool,
    above: tuple[tuple[int, int], ...],
) -> Iterator[tuple[bytes, os.stat_result | None]]:
    here = os.stat(folder)  # noqa: PTH116  Path takes no bytes
    inside = (*above, (here.st_dev, here.st_ino))
    with os.scandir(folder) as entries:
        for entry in entries:
            if not wanted(entry.name):
                continue
            try:
                state: os.stat_result | None = entry.stat()
            except OSError:
                state = None
            if state is None or not stat.S_ISDIR(state.st_mode):
                yield prefix + entry.name, state
            elif recursive and (state.st_dev, state.st_ino) not in inside:
                within = prefix + entry.name + b"/"
                yield from _walk(entry.path, within, wanted, recursive, inside)


def _stored(name: str, state: os.stat_result) -> StoredFile:
    return StoredFile(name, state.st_size, state.st_mtime_ns)


def make_local_root(root: str) -> None:
    """Create the root, and check that this user can write there and in its own folders.

    Raises:
        StorageError: if not; names what cannot be written to, and says what to do.
    """
    folder = local_path(root)
    own = (
        folder / name for name in ("logs", "stages", "checkpoints", "report", "exports", "tables")
    )
    try:
        with translated_errors(root, inner=True):
            folder.mkdir(parents=True, exist_ok=True)
            for path in (folder, *own, *folder.glob("tables/*")):
                if path.exists() and not path.is_dir():
                    raise NotADirectoryError(errno.ENOTDIR, "", str(path))
                if path.exists() and not os.access(path, os.W_OK | os.X_OK, effective_ids=True):
                    raise PermissionError(errno.EACCES, "", str(path))
    except StorageError as error:
        raise StorageError(
            f"root {root} cannot be written to: {error}. Correct that, or set root to a folder "
            "that this user can write to"
        ) from None
