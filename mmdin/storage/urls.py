"""URLs of files and folders: plain paths, file: URLs, and those of Hadoop's file systems."""

from pathlib import Path
from urllib.parse import unquote, urlsplit


def scheme_of(url: str) -> str:
    """The scheme, such as hdfs or s3a; empty for a plain path."""
    return urlsplit(url).scheme


def is_local(url: str) -> bool:
    """Whether this is a plain path or a file: URL."""
    return scheme_of(url) in ("", "file")


def local_path(url: str) -> Path:
    """The path of a local file, given as a plain path or as a file: URL."""
    return Path(unquote(urlsplit(url).path) if url.startswith("file:") else url)


def join(folder: str, *names: str) -> str:
    """The URL of a file in a folder."""
    return "/".join((folder.rstrip("/"), *names))


def last_name(url: str) -> str:
    """The part after the last slash."""
    return url.rpartition("/")[2]
