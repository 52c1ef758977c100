"""Temporary files on the local disk."""

import contextlib
import os
import platform
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from mmdin.errors import StorageError
from mmdin.storage.files import Files
from mmdin.storage.urls import is_local, last_name, local_path, scheme_of


def temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """A new folder in `scratch_folder`, deleted when its context ends or its owner is collected."""
    return tempfile.TemporaryDirectory(
        prefix="mmdin-", dir=scratch_folder(), ignore_cleanup_errors=True
    )


def scratch_folder() -> Path:
    """Where this process may put temporary files: the first of Spark's own folders, if any."""
    for variable in ("SPARK_LOCAL_DIRS", "LOCAL_DIRS"):
        first = os.environ.get(variable, "").split(",")[0]
        if first and os.access(first, os.W_OK):
            return Path(first)
    return Path(tempfile.gettempdir())


def temporary_name(name: str) -> str:
    """A new name for a file that is written next to `name` and then replaces it."""
    # Spark and Delta ignore files whose names start with an underscore.
    return f"_new-{uuid.uuid4().hex[:8]}-{name}"


@contextlib.contextmanager
def local_copies(
    files: Files, urls: Sequence[str], report: Callable[[str], None]
) -> Iterator[list[Path]]:
    """Local paths at which files can be read while the context lasts.

    Local files are not copied. Others are copied to a `temporary_folder`.

    Args:
        files: back end of the files.
        urls: of the files.
        report: called with one line about what is copied.

    Yields:
        The paths, in the order of the URLs.

    Raises:
        StorageError: if the copies do not fit on the disk; checked before the first is copied.
        ValueError: if two of the files have the same name.
    """
    if all(map(is_local, urls)):
        yield [local_path(url) for url in urls]
        return
    with temporary_folder() as folder:
        paths = [Path(folder, last_name(url)) for url in urls]
        if len(set(paths)) < len(paths):
            raise ValueError(f"two files of the same name cannot both be copied to {folder}")
        size = sum(map(files.size, urls))
        _check_free_space(size, urls[0], Path(folder))
        report(
            f"copies {len(paths)} files, {size / 1e6:.1f} MB, to local disk (no native client for "
            f"{scheme_of(urls[0])} here)"
        )
        for url, path in zip(urls, paths, strict=True):
            files.get(url, path)
        yield paths


@contextlib.contextmanager
def plain_names(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Paths of the same files that have no character with a meaning in URLs.

    Files of other names are linked to from a temporary folder, which is deleted when the context
    ends.

    Raises:
        StorageError: if no folder for temporary files has such a name.
    """
    if all(map(_is_plain, paths)):
        yield list(paths)
        return
    with tempfile.TemporaryDirectory(prefix="mmdin-", dir=_plain_folder()) as folder:
        links = [Path(folder, f"{n}{path.suffix}") for n, path in enumerate(paths)]
        for link, path in zip(links, paths, strict=True):
            link.symlink_to(path.absolute())
        yield links


def _is_plain(path: Path) -> bool:
    return re.fullmatch(r"[A-Za-z0-9_./=@+,~-]+", str(path)) is not None


def _plain_folder() -> Path:
    folders = (scratch_folder(), *map(Path, ("/tmp", "/var/tmp", "/dev/shm")))
    for folder in folders:
        if _is_plain(folder) and os.access(folder, os.W_OK | os.X_OK):
            return folder
    raise StorageError(
        f"none of the folders {', '.join(map(str, folders))} on {platform.node()} can be written "
        "to and has a name of plain characters: set TMPDIR to one that has"
    )


def _check_free_space(size: int, url: str, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if size > free * 0.9:
        raise StorageError(
            f"{url.rpartition('/')[0]}: {size / 1e9:.1f} GB do not fit into {folder} on "
            f"{platform.node()}, which has {free / 1e9:.1f} GB: set spark.local.dir to a folder on "
            "a larger disk"
        )
