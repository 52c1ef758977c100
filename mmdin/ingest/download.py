"""Downloading a MovieLens release: resumable, verified, and unpacked in one move."""

import hashlib
import http.client
import logging
import re
import shutil
import ssl
import stat
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

from mmdin.config import Download
from mmdin.errors import InputDataError

log = logging.getLogger(__name__)

REQUIRED_FILES = ("ratings.csv", "movies.csv", "links.csv")
"""Files that a release must contain."""

_TIMEOUT_S = 30
_ATTEMPTS = 4
_CHUNK = 1 << 20
_SECONDS_BETWEEN_REPORTS = 5
_LARGEST_UNPACKED = 8 << 30
"""Bytes; ml-32m unpacks to about 1 GB."""

_CONNECTION_ERRORS = (
    urllib.error.URLError,
    http.client.HTTPException,
    ConnectionError,
    TimeoutError,
    ssl.SSLError,
)


def download_release(download: Download) -> Path:
    """Fetch <url>/<release>.zip and unpack it to <folder>/<release>/.

    A release that is already there stays unchanged. A partial download is resumed if the server
    supports it. The checksum is that of <release>.zip.md5, if the publisher has one.

    Args:
        download: section of the configuration.

    Returns:
        Folder of the release.

    Raises:
        InputDataError: if the server cannot be reached or has no such release, if the checksum is
            wrong (then the download is deleted), if the archive is not safe to unpack, or if the
            folder cannot be written to.
    """
    folder = Path(download.folder)
    target = folder / download.release
    if all((target / name).is_file() for name in REQUIRED_FILES):
        log.info("%s is already there", target)
        return target
    if target.exists():
        raise InputDataError(
            f"{target} is there but lacks some of {', '.join(REQUIRED_FILES)}; "
            "move it away and run again"
        )
    url = f"{download.url.rstrip('/')}/{download.release}.zip"
    archive = folder / f"{download.release}.zip.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _fetch(url, archive)
        _verify(archive, _published_md5(f"{url}.md5"), url)
        _unpack_and_delete(archive, target)
    except OSError as error:
        raise InputDataError(f"{folder}: cannot be written: {error}") from None
    log.info("%s is ready", target)
    return target


def _fetch(url: str, archive: Path) -> None:
    """Download to the file, resuming a partial one, with a limited number of attempts."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _fetch_rest(url, archive)
            return
        except urllib.error.HTTPError as error:
            if error.code < 500:
                raise InputDataError(
                    f"{url}: the server answers {error.code} {error.reason}"
                ) from None
            problem: Exception = error
        except _CONNECTION_ERRORS as error:
            problem = error
        if attempt < _ATTEMPTS:
            log.info("%s: %s; trying again", url, _reason(problem))
            time.sleep(2 ** (attempt - 1))
    raise InputDataError(
        f"{url}: cannot be downloaded: {_reason(problem)}; check the connection and run again, "
        "the part that has arrived is kept"
    )


def _fetch_rest(url: str, archive: Path) -> None:
    have = archive.stat().st_size if archive.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as error:
        # 416: there is nothing after the bytes we have. The size tells whether the file is complete
        # or another one.
        if error.code != 416:
            raise
        whole = re.search(r"\*/(\d+)", error.headers.get("Content-Range", ""))
        if whole and int(whole[1]) == have:
            return
        archive.unlink()
        response = urllib.request.urlopen(url, timeout=_TIMEOUT_S)
    with response:
        resumed = response.status == 206
        _save(response, archive, have if resumed else 0)


def _save(response: http.client.HTTPResponse, archive: Path, have: int) -> None:
    """Append the response to the `have` bytes; raises ConnectionError if it ends too early."""
    length = response.headers.get("Content-Length")
    total = have + int(length) if length else None
    reported = time.monotonic()
    with archive.open("ab" if have else "wb") as file:
        while chunk := response.read(_CHUNK):
            file.write(chunk)
            have += len(chunk)
            if time.monotonic() - reported > _SECONDS_BETWEEN_REPORTS:
                log.info("%s: %s", archive.name, _progress(have, total))
                reported = time.monotonic()
    log.info("%s: %s", archive.name, _progress(have, total))
    if total is not None and have < total:
        raise ConnectionError(f"the connection ended after {have} of {total} bytes")


def _progress(have: int, total: int | None) -> str:
    share = f" of {total / 1e6:.1f} MB ({have / total:.0%})" if total else " MB"
    return f"{have / 1e6:.1f}{share}"


def _reason(error: Exception) -> str:
    return str(getattr(error, "reason", "") or error or type(error).__name__)


def _published_md5(url: str) -> str | None:
    """The checksum as 32 hexadecimal digits, from `<hex>  name` or `MD5 (name) = <hex>`.

    None if the publisher has none.
    """
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as response:
            text = response.read(4096).decode("ascii", errors="replace")
    except urllib.error.HTTPError as error:
        if error.code in (403, 404):
            return None
        raise InputDataError(f"{url}: the server answers {error.code} {error.reason}") from None
    except _CONNECTION_ERRORS as error:
        raise InputDataError(f"{url}: cannot be read: {_reason(error)}; run again") from None
    checksum = re.search(r"\b[0-9a-fA-F]{32}\b", text)
    if not checksum:
        raise InputDataError(f"{url}: holds no MD5 checksum: {text[:80]!r}")
    return checksum[0].lower()


def _verify(archive: Path, expected: str | None, url: str) -> None:
    if expected is None:
        log.info("the publisher has no checksum for %s", url)
        return
    with archive.open("rb") as file:
        actual = hashlib.file_digest(file, "md5").hexdigest()
    if actual != expected:
        archive.unlink()
        raise InputDataError(
            f"{url}: the download has the MD5 checksum {actual}, not the publisher's {expected}; "
            "it is deleted, run again"
        )


def _unpack_and_delete(archive: Path, target: Path) -> None:
    """Unpack and delete the archive. An invalid one is deleted too, but not if the disk is full."""
    try:
        _unpack(archive, target)
    except InputDataError as error:
        archive.unlink()
        raise InputDataError(
            f"{error}; it is deleted, run again or choose another publisher"
        ) from None
    archive.unlink()


def _unpack(archive: Path, target: Path) -> None:
    """Unpack <release>/... next to the target and move it into place when it is complete."""
    unpacked = target.with_name(f".{target.name}.new")
    shutil.rmtree(unpacked, ignore_errors=True)
    try:
        with zipfile.ZipFile(archive) as zipped:
            _refuse_unsafe(zipped, archive)
            zipped.extractall(unpacked)
        release = unpacked / target.name
        missing = [name for name in REQUIRED_FILES if not (release / name).is_file()]
        if missing:
            raise InputDataError(f"{archive.name}: holds no {target.name}/{', '.join(missing)}")
        release.rename(target)
    except zipfile.BadZipFile as error:
        raise InputDataError(f"{archive.name}: is not a complete zip archive: {error}") from None
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)


def _refuse_unsafe(zipped: zipfile.ZipFile, archive: Path) -> None:
    """Raise InputDataError for members outside the folder, links, and too large archives."""
    for member in zipped.infolist():
        if _leaves_its_folder(member):
            raise InputDataError(
                f"{archive.name}: refuses to unpack {member.filename!r}: it leaves its folder"
            )
    # A member never unpacks to more than its stated size: reading ends there, and its CRC fails.
    size = sum(member.file_size for member in zipped.infolist())
    if size > _LARGEST_UNPACKED:
        raise InputDataError(
            f"{archive.name}: would unpack to {size / 1e9:.1f} GB, more than "
            f"{_LARGEST_UNPACKED / 1e9:.1f} GB"
        )


def _leaves_its_folder(member: zipfile.ZipInfo) -> bool:
    parts = re.split(r"[/\\]", member.filename)
    is_link = stat.S_ISLNK(member.external_attr >> 16)
    return is_link or parts[0] == "" or ".." in parts or ":" in parts[0]
