"""Downloads from a server on this machine that interrupts, sends wrong data, or has nothing."""

import hashlib
import http.server
import io
import re
import threading
import zipfile
from collections.abc import Iterator

import pytest

from mmdin.config import Download
from mmdin.errors import InputDataError
from mmdin.ingest import download
from mmdin.ingest.download import REQUIRED_FILES, download_release

RELEASE = "ml-latest-small"


def _zip(members: dict[str, str] | None = None) -> bytes:
    members = members or {f"{RELEASE}/{name}": f"{name} " * 5000 for name in REQUIRED_FILES}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as zipped:
        for name, text in members.items():
            # Of no time of day, so that every call packs the same bytes.
            zipped.writestr(zipfile.ZipInfo(name), text)
    return packed.getvalue()


class Publisher(http.server.ThreadingHTTPServer):
    """Serves `files` by path; breaks the connection after `break_after` bytes, once."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.ranges = True
        self.break_after: int | None = None
        self.failures = 0
        self.asked: list[tuple[str, str | None]] = []

    def publish(self, archive: bytes, md5: str | None = None) -> None:
        self.files[f"/{RELEASE}.zip"] = archive
        self.files[f"/{RELEASE}.zip.md5"] = (md5 or _md5_line(archive)).encode()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Publisher

    def do_GET(self) -> None:
        publisher, wanted = self.server, self.headers.get("Range")
        publisher.asked.append((self.path, wanted))
        if publisher.failures:
            publisher.failures -= 1
            self.send_error(503)
        elif self.path not in publisher.files:
            self.send_error(404)
        else:
            self._send(publisher.files[self.path], wanted if publisher.ranges else None)

    def _send(self, content: bytes, wanted: str | None) -> None:
        start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted else 0
        if start and start >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        until, self.server.break_after = self.server.break_after, None
        self.wfile.write(content[start:until])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    monkeypatch.setattr(download.time, "sleep", lambda seconds: None)
    server = Publisher()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def _md5_line(archive: bytes) -> str:
    return f"{hashlib.md5(archive).hexdigest()}  {RELEASE}.zip\n"


def _settings(publisher: Publisher, folder) -> Download:
    return Download(release=RELEASE, url=publisher.url, folder=str(folder))


def _names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_release_is_fetched_checked_and_unpacked(publisher, tmp_path):
    publisher.publish(_zip())
    target = download_release(_settings(publisher, tmp_path))
    assert target == tmp_path / RELEASE
    assert _names(target) == sorted(REQUIRED_FILES)
    assert _names(tmp_path) == [RELEASE]


def test_a_release_that_is_there_is_not_fetched_again(publisher, tmp_path, caplog):
    publisher.publish(_zip())
    download_release(_settings(publisher, tmp_path))
    publisher.asked.clear()
    with caplog.at_level("INFO", logger="mmdin"):
        download_release(_settings(publisher, tmp_path))
    assert not publisher.asked
    assert "already there" in caplog.text


def test_a_broken_connection_is_resumed_where_it_broke(publisher, tmp_path):
    publisher.publish(_zip())
    publisher.break_after = 1000
    download_release(_settings(publisher, tmp_path))
    assert [r for path, r in publisher.asked if path.endswith(".zip")] == [None, "bytes=1000-"]


def test_a_partial_file_of_an_earlier_run_is_resumed(publisher, tmp_path):
    publisher.publish(_zip())
    (tmp_path / f"{RELEASE}.zip.partial").write_bytes(_zip()[:500])
    download_release(_settings(publisher, tmp_path))
    assert publisher.asked[0][1] == "bytes=500-"


def test_a_server_without_ranges_makes_it_start_over(publisher, tmp_path):
    publisher.publish(_zip())
    publisher.ranges = False
    (tmp_path / f"{RELEASE}.zip.partial").write_bytes(b"x" * 500)
    assert download_release(_settings(publisher, tmp_path)).is_dir()


def test_a_complete_partial_file_is_only_unpacked(publisher, tmp_path):
    publisher.publish(_zip())
    (tmp_path / f"{RELEASE}.zip.partial").write_bytes(_zip())
    assert download_release(_settings(publisher, tmp_path)).is_dir()
    assert len(publisher.asked) == 2


def test_a_partial_file_longer_than_the_release_is_dropped(publisher, tmp_path):
    publisher.publish(_zip())
    (tmp_path / f"{RELEASE}.zip.partial").write_bytes(_zip() + b"more")
    assert download_release(_settings(publisher, tmp_path)).is_dir()


def test_a_server_error_is_retried(publisher, tmp_path):
    publisher.publish(_zip())
    publisher.failures = 2
    assert download_release(_settings(publisher, tmp_path)).is_dir()


def test_a_server_that_stays_down_ends_with_a_message(publisher, tmp_path):
    publisher.publish(_zip())
    publisher.failures = 100
    with pytest.raises(InputDataError, match=r"cannot be downloaded.*run again"):
        download_release(_settings(publisher, tmp_path))
    assert len(publisher.asked) < 10


def test_no_server_ends_with_a_message(tmp_path, publisher):
    settings = Download(release=RELEASE, url="http://127.0.0.1:9", folder=str(tmp_path))
    with pytest.raises(InputDataError, match="check the connection"):
        download_release(settings)


def test_a_release_that_does_not_exist_is_named(publisher, tmp_path):
    with pytest.raises(InputDataError, match=rf"{RELEASE}\.zip: the server answers 404"):
        download_release(_settings(publisher, tmp_path))
    assert len(publisher.asked) == 1


@pytest.mark.parametrize("form", ["{md5}  {name}\n", "MD5 ({name}) = {md5}\n", "{MD5}\n"])
def test_checksums_are_read_in_the_forms_publishers_use(publisher, tmp_path, form):
    archive = _zip()
    md5 = hashlib.md5(archive).hexdigest()
    line = form.format(md5=md5, MD5=md5.upper(), name=f"{RELEASE}.zip")
    publisher.publish(archive, line)
    assert download_release(_settings(publisher, tmp_path)).is_dir()


def test_a_checksum_that_differs_deletes_the_download(publisher, tmp_path):
    publisher.publish(_zip(), _md5_line(b"another file"))
    with pytest.raises(InputDataError, match=r"checksum.*deleted, run again"):
        download_release(_settings(publisher, tmp_path))
    assert not _names(tmp_path)


def test_a_checksum_file_without_a_checksum_is_reported(publisher, tmp_path):
    publisher.publish(_zip(), "come back later")
    with pytest.raises(InputDataError, match="holds no MD5"):
        download_release(_settings(publisher, tmp_path))


def test_a_publisher_without_checksums_is_trusted(publisher, tmp_path):
    publisher.files[f"/{RELEASE}.zip"] = _zip()
    assert download_release(_settings(publisher, tmp_path)).is_dir()


@pytest.mark.parametrize("name", ["/etc/evil", f"{RELEASE}/../../evil", "..\\evil", "C:/evil"])
def test_members_that_leave_the_folder_are_refused(publisher, tmp_path, name):
    folder = tmp_path / "data"
    publisher.publish(_zip({name: "evil"}))
    with pytest.raises(InputDataError, match="leaves its folder"):
        download_release(_settings(publisher, folder))
    assert not (folder / RELEASE).exists()
    assert _names(tmp_path) == ["data"]


def test_links_are_refused(publisher, tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as zipped:
        link = zipfile.ZipInfo(f"{RELEASE}/link")
        link.external_attr = 0o120777 << 16
        zipped.writestr(link, "/etc/passwd")
    publisher.publish(packed.getvalue())
    with pytest.raises(InputDataError, match="refuses to unpack"):
        download_release(_settings(publisher, tmp_path))


def test_an_archive_that_unpacks_to_too_much_is_refused(publisher, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "_LARGEST_UNPACKED", 1000)
    publisher.publish(_zip())
    with pytest.raises(InputDataError, match="would unpack"):
        download_release(_settings(publisher, tmp_path))


def test_a_file_that_is_not_an_archive_is_deleted(publisher, tmp_path):
    publisher.publish(b"<html>log in first</html>")
    with pytest.raises(InputDataError, match="not a complete zip"):
        download_release(_settings(publisher, tmp_path))
    assert not _names(tmp_path)


def test_an_archive_without_ratings_is_refused(publisher, tmp_path):
    publisher.publish(_zip({f"{RELEASE}/README.txt": "hello"}))
    with pytest.raises(InputDataError, match=r"ratings\.csv"):
        download_release(_settings(publisher, tmp_path))
    assert not (tmp_path / RELEASE).exists()


def test_an_incomplete_release_is_not_touched(publisher, tmp_path):
    (tmp_path / RELEASE).mkdir()
    (tmp_path / RELEASE / "ratings.csv").write_text("mine")
    with pytest.raises(InputDataError, match="move it away"):
        download_release(_settings(publisher, tmp_path))
    assert not publisher.asked


def test_a_folder_that_cannot_be_created_is_reported(publisher, tmp_path):
    publisher.publish(_zip())
    (tmp_path / "file").write_text("")
    with pytest.raises(InputDataError, match="cannot be written"):
        download_release(_settings(publisher, tmp_path / "file"))
