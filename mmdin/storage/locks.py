"""One job at a time under a root, where jobs would mix up each other's tables."""

import contextlib
import datetime
import errno
import fcntl
import os
import platform
from collections.abc import Iterator

from mmdin.errors import StorageError
from mmdin.storage.errors import translated_errors
from mmdin.storage.urls import local_path

_FILE = ".lock"


@contextlib.contextmanager
def lock_root(root: str, job: str, alone: bool) -> Iterator[None]:
    """Hold a local root while the context lasts. The lock ends with the process in any case.

    File systems without locks are left unlocked.

    Args:
        root: a local folder that exists.
        job: the name of the job, for the message that others get.
        alone: whether no other job may be at work; otherwise none that must be alone.

    Raises:
        StorageError: if another job is at work.
    """
    path = local_path(root) / _FILE
    with translated_errors(root, inner=True):
        opened = path.open("a+", encoding="utf-8")
    with opened as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                file.seek(0)
                raise StorageError(
                    f"root {root}: {file.read().strip() or 'another job'} is at work there. Wait "
                    "for its end, or set root to another folder"
                ) from None
        now = datetime.datetime.now(datetime.UTC)
        if alone:
            file.truncate(0)
            file.write(f"{job} (process {os.getpid()} on {platform.node()}, since {now:%F %T} UTC)")
            file.flush()
        yield
        if alone:
            file.truncate(0)
