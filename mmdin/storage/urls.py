"""URLs of files and folders: plain paths, file: URLs, and those of Hadoop's file systems.

A plain path is literal: `#`, `?` and `%` are parts of names. The path of a file: URL is quoted, as
`Path.as_uri` and Spark write it. The path of any other URL is literal, as Hadoop reads it.
"""

import re
from pathlib import Path
from urllib.parse import unquote

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):/")
_FILE = re.compile(r"(?i:file):(?://([^/]*))?")


def scheme_of(url: str) -> str:
    """The scheme, such as hdfs or s3a; empty for a plain path, which may have colons in it."""
    match = _SCHEME.match(url)
    if match:
        return match[1].lower()
    return "file" if _FILE.match(url) else ""


def host_of(url: str) -> str:
    """What stands between the scheme and the path: a host, with a port, or a bucket."""
    return url.partition("://")[2].partition("/")[0] if scheme_of(url) else ""


def is_local(url: str) -> bool:
    """Whether this is a plain path or a file: URL."""
    return scheme_of(url) in ("", "file")


def local_path(url: str) -> Path:
    """The path of a local file, given as a plain path or as a file: URL."""
    start = _FILE.match(url)
    return Path(unquote(url[start.end() :]) if start else url)


def absolute(url: str) -> str:
    """The URL, or the plain path as it is from any folder."""
    return url if scheme_of(url) else str(Path(url).absolute())


def literal_url(url: str) -> str:
    """The URL as Spark and Hadoop take it: absolute, with a scheme, and nothing in it quoted.

    They would take a colon for the end of a scheme, and `%23` for three characters of a name.
    """
    if not is_local(url):
        return url
    path = local_path(url)
    # Hadoop drops `..` with the name before it, which may be a link to elsewhere.
    return f"file:{path.resolve() if '..' in path.parts else path.absolute()}"


def check_url(url: str) -> str:
    """The URL unchanged.

    Raises:
        ValueError: it cannot mean a folder of this machine or of a file system that others share.
    """
    start = _FILE.match(url)
    if start and start[1] and start[1] != "localhost":
        path = url[start.start(1) :]
        raise ValueError(f"a file: URL has three slashes: write file:///{path}")
    if "\0" in url or any("\ud800" <= character <= "\udfff" for character in url):
        raise ValueError("the name is not text in UTF-8, and Java could not open it: rename it")
    return url


def join(folder: str, *names: str) -> str:
    """The URL of a file in a folder."""
    return "/".join((folder.rstrip("/"), *names))


def last_name(url: str) -> str:
    """The part after the last slash."""
    return url.rpartition("/")[2]


def folder_of(url: str) -> str:
    """The part before the last slash."""
    return url.rpartition("/")[0]
