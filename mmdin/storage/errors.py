"""Errors of Python's own file operations as StorageError."""

import contextlib
import os
from collections.abc import Iterator

from mmdin.errors import StorageError
from mmdin.storage.urls import is_local, local_path


@contextlib.contextmanager
def translated_errors(url: str, inner: bool = False) -> Iterator[None]:
    """Raise OSError as a StorageError that names the file.

    Args:
        url: of the file or folder that the errors are about.
        inner: whether to name instead the file in the folder that the error names.
    """
    try:
        yield
    except OSError as error:
        name = str(local_path(url)) if is_local(url) else url
        if inner and error.filename is not None:
            name = os.fsdecode(error.filename)
        # Not its strerror: h5py's errors have a number alone.
        reason = os.strerror(error.errno) if error.errno else error
        raise StorageError(f"{name}: {reason}") from None
