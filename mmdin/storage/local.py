"""The back end for local files: plain paths and file: URLs, in Python alone."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from mmdin.storage.errors import translated_errors
from mmdin.storage.files import Folder, StoredFile
from mmdin.storage.scratch import temporary_name
from mmdin.storage.urls import local_path


class LocalFiles:
    """Files on this machine's file systems; see `mmdin.storage.files.Files`."""

    def exists(self, url: str) -> bool:
        """Whether there is such a file or folder."""
        return local_path(url).exists()

    def list(self, url: str, recursive: bool = False) -> list[StoredFile]:
        """The files in a folder in order of their names; none if there is no such folder."""
        folder = local_path(url)
        paths = sorted(p for p in folder.glob("**/*" if recursive else "*") if p.is_file())
        stats = [(p.relative_to(folder).as_posix(), p.stat()) for p in paths]
        return [StoredFile(name, s.st_size, s.st_mtime_ns) for name, s in stats]

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


def local_folder(path: str | Path) -> Folder:
    """The folder at a local path."""
    return Folder(LocalFiles(), str(path))
