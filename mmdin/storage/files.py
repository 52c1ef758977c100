"""The interface to files that every back end implements, and what can be built on it alone."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mmdin.storage.urls import join


@dataclass(frozen=True)
class StoredFile:
    """A file in a folder.

    Attributes:
        name: its path within the folder.
        size: in bytes.
        modified: time of the last change, in nanoseconds since 1970, UTC.
    """

    name: str
    size: int
    modified: int


class Files(Protocol):
    """Operations on files by URL.

    Every operation raises StorageError if the file system cannot be reached or refuses.
    """

    def exists(self, url: str) -> bool:
        """Whether there is such a file or folder."""

    def list(self, url: str, recursive: bool = False) -> list[StoredFile]:
        """The files in a folder in order of their names; none if there is no such folder.

        A file is listed alone, without a name.

        Args:
            url: of the folder.
            recursive: whether to list the files of its subfolders too.
        """

    def size(self, url: str) -> int:
        """Size of a file in bytes."""

    def read(self, url: str, limit: int | None = None) -> bytes:
        """Content of a file, or its first bytes if there is a limit to their number."""

    def write(self, url: str, content: bytes) -> None:
        """Create a file and its folder, or replace the file; no reader sees half of it."""

    def reading(self, url: str) -> AbstractContextManager[Path]:
        """A local path at which the file can be read while the context lasts."""

    def writing(self, url: str) -> AbstractContextManager[Path]:
        """A local path to write to; when the context ends, the file is at the URL, as by `write`.

        If the context ends with an error, the URL is unchanged.
        """

    def get(self, url: str, path: Path) -> None:
        """Copy a file to a local path whose folder exists."""

    def put(self, path: Path, url: str) -> None:
        """Copy a local file to a URL, as `write` does."""

    def remove(self, url: str) -> None:
        """Delete a file, or a folder with everything in it; do nothing if there is none."""

    def replace_folder(self, path: Path, url: str, last: str) -> None:
        """Copy a local folder to a URL, in place of the folder that is there.

        The folder that is there is removed once the copy is complete, and no reader sees half of
        one. An object store has no folders to rename: the file `last` is removed first there, and
        written last, so that a folder that has it is complete.

        Args:
            path: of the local folder.
            url: of the folder to write.
            last: a file of the folder, by its path within it.
        """


@dataclass(frozen=True)
class Folder:
    """The files of one folder, by their names.

    Attributes:
        files: back end of the folder.
        url: of the folder.
    """

    files: Files
    url: str

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""
        return self.files.exists(join(self.url, name))

    def reading(self, name: str) -> AbstractContextManager[Path]:
        """See `Files.reading`."""
        return self.files.reading(join(self.url, name))

    def writing(self, name: str) -> AbstractContextManager[Path]:
        """See `Files.writing`."""
        return self.files.writing(join(self.url, name))

    def remove(self, name: str) -> None:
        """Delete a file; do nothing if there is none."""
        self.files.remove(join(self.url, name))


def upload(files: Files, path: Path, url: str) -> None:
    """Copy a local file, or every file of a local folder and its subfolders, to a URL."""
    if path.is_file():
        files.put(path, url)
        return
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        files.put(file, join(url, file.relative_to(path).as_posix()))
