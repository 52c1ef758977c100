"""Which of the JVM's exceptions come from a file system, and not from a fault of this project."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

_OF_FILE_SYSTEMS = {
    "AccessControlException",
    "AccessDeniedException",
    "ChecksumException",
    "ConnectException",
    "ConnectTimeoutException",
    "FSError",
    "FileNotFoundException",
    "FileSystemException",
    "NoRouteToHostException",
    "NoSuchFileException",
    "QuotaExceededException",
    "SafeModeException",
    "SocketTimeoutException",
    "UnknownHostException",
}
_UNREADABLE = re.compile(
    r"\[(?:FAILED_READ_FILE|CANNOT_READ_FILE_FOOTER)\b[^\]]*\][^\n]*? file:? (\S.*?)\.(?:\s|$)"
)
_IN_MESSAGES = ("No space left on device", "Permission denied", "Input/output error")


def file_system_trouble(error: BaseException) -> str | None:
    """What a file system refused, in one line; None if the error does not come from one.

    Args:
        error: as Py4J or PySpark raised it.
    """
    found = [
        f"{name}: {message.splitlines()[0]}"
        for name, message in map(_describe, _causes(error))
        if message and (name in _OF_FILE_SYSTEMS or any(m in message for m in _IN_MESSAGES))
    ]
    return found[-1] if found else None


def damaged_file(error: BaseException) -> str | None:
    """The file whose content Spark cannot read; None if the error does not come from one.

    Args:
        error: as Py4J or PySpark raised it.
    """
    for _, message in map(_describe, _causes(error)):
        if named := _UNREADABLE.search(message):
            return unquote(named[1])
    return None


def _causes(error: BaseException) -> Iterator[Any]:
    """The JVM's exception, and its causes, the first of them last."""
    exception = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    for _ in range(30):
        if exception is None:
            return
        yield exception
        exception = exception.getCause()


def _describe(exception: Any) -> tuple[str, str]:
    return exception.getClass().getSimpleName(), (exception.getMessage() or "").strip()
