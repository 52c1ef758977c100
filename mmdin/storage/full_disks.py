"""What to say when a disk is full, in whichever process that was noticed."""

import errno
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator

from mmdin.storage.urls import is_local, local_path

_SIGNS = tuple(os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT))


def full_disk_trouble(error: BaseException, root: str) -> str | None:
    """What was refused, which disks there are, and what to do; None if no disk was full.

    Args:
        error: as any process raised it, or as PySpark tells of one in another process.
        root: of the tables.
    """
    lines = (line.strip(": ") for cause in _causes(error) for line in str(cause).splitlines())
    refused = next((line for line in lines if any(sign in line for sign in _SIGNS)), None)
    if refused is None:
        return None
    temporary = tempfile.gettempdir()
    free = f"{_free(temporary)} free in {temporary} (TMPDIR, for temporary files)"
    if is_local(root):
        free += f" and {_free(str(local_path(root)))} in {root} (root)"
    return (
        f"a disk is full: {refused}. {platform.node()} has {free}. Free some space, or set the one "
        "that is full to a folder on a larger disk, and run the same command again"
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _free(folder: str) -> str:
    try:
        usage = shutil.disk_usage(folder)
        return f"{usage.free / 1e9:.1f} of {usage.total / 1e9:.1f} GB"
    except OSError:
        return "unknown space"
