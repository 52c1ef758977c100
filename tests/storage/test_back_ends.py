"""What every back end does alike. A new back end is added to the fixture `back_end`."""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from mmdin.errors import StorageError
from mmdin.storage import Files, Folder, join, upload
from mmdin.storage.local import LocalFiles

CONTENT = bytes(range(256)) * 400


class BackEnd(NamedTuple):
    """Its files, and the URL of a folder to try them in."""

    files: Files
    root: str


HADOOP = [pytest.param(f"Hadoop {k}", marks=pytest.mark.spark) for k in ("file URL", "viewfs")]


@pytest.fixture(params=["local path", "local file URL", *HADOOP])
def back_end(request: pytest.FixtureRequest, tmp_path: Path) -> BackEnd:
    library, _, kind = request.param.partition(" ")
    folder = tmp_path / "of two words"
    if library == "local":
        return BackEnd(LocalFiles(), str(folder) if kind == "path" else folder.as_uri())
    from mmdin.storage.hadoop import HadoopFiles

    context = request.getfixturevalue("spark").sparkContext
    files = HadoopFiles(context._gateway, context._jsc.hadoopConfiguration())
    root = request.getfixturevalue("remote") if kind == "viewfs" else (tmp_path / "root").as_uri()
    return BackEnd(files, root)


def names(back_end: BackEnd) -> list[str]:
    return [f.name for f in back_end.files.list(back_end.root, recursive=True)]


def test_nothing_is_there_at_first(back_end: BackEnd) -> None:
    files, root = back_end
    assert not files.exists(join(root, "deep", "file"))
    assert files.list(join(root, "deep")) == []


def test_a_written_file_is_read_and_replaced(back_end: BackEnd) -> None:
    files, root = back_end
    url = join(root, "deep", "file")
    for content in (b"one", CONTENT):
        files.write(url, content)
        assert files.exists(url)
        assert files.read(url) == content
        assert files.size(url) == len(content)
    assert names(back_end) == ["deep/file"]


def test_a_file_that_is_not_there_is_named(back_end: BackEnd, tmp_path: Path) -> None:
    files, root = back_end
    url = join(root, "missing")
    for attempt in (files.read, files.size, lambda url: files.get(url, tmp_path / "copy")):
        with pytest.raises(StorageError, match="missing"):
            attempt(url)
    with pytest.raises(StorageError, match="missing"), files.reading(url) as path:
        path.read_bytes()


def test_a_list_is_in_order_and_recursive_only_if_asked(back_end: BackEnd) -> None:
    files, root = back_end
    for name, content in (("file", CONTENT), ("another", b"abc"), ("deeper/third", b"")):
        files.write(join(root, "deep", name), content)
    listed = files.list(join(root, "deep"))
    assert [(f.name, f.size) for f in listed] == [("another", 3), ("file", 102_400)]
    everything = files.list(root, recursive=True)
    assert [f.name for f in everything] == ["deep/another", "deep/deeper/third", "deep/file"]
    assert all(f.modified > 1e18 for f in everything)


def test_files_are_copied_both_ways(
    back_end: BackEnd, put: Callable[[str, bytes], Path], tmp_path: Path
) -> None:
    files, root = back_end
    url = join(root, "deep", "file")
    files.put(put("local", CONTENT), url)
    files.put(put("local", b"second"), url)
    files.get(url, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"second"
    assert not (tmp_path / ".copy.crc").exists()


def test_files_and_folders_are_removed_if_they_are_there(back_end: BackEnd) -> None:
    files, root = back_end
    for name in ("one", "two"):
        files.write(join(root, "deep", name), b"")
    for _ in range(2):
        files.remove(join(root, "deep", "one"))
        assert names(back_end) == ["deep/two"]
    for _ in range(2):
        files.remove(join(root, "deep"))
        assert not files.exists(join(root, "deep"))


def test_a_file_is_replaced_only_without_an_error(back_end: BackEnd) -> None:
    folder = Folder(back_end.files, join(back_end.root, "kept"))
    for content in (b"first", b"second"):
        with folder.writing("one") as path:
            path.write_bytes(content)
    with pytest.raises(StorageError, match="kept/one: No space"), folder.writing("one") as path:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")
    with folder.reading("one") as path:
        assert path.read_bytes() == b"second"
    assert names(back_end) == ["kept/one"]


def test_a_folder_knows_its_files_by_name(back_end: BackEnd) -> None:
    folder = Folder(back_end.files, join(back_end.root, "kept"))
    assert not folder.exists("one")
    folder.remove("one")
    with folder.writing("one") as path:
        path.write_bytes(b"")
    assert folder.exists("one")
    folder.remove("one")
    assert not folder.exists("one")


def test_a_folder_is_uploaded_with_its_subfolders(
    back_end: BackEnd, put: Callable[[str, bytes], Path], tmp_path: Path
) -> None:
    files, root = back_end
    put("report/figures/a.svg", b"a")
    page = put("report/index.html", b"page")
    for _ in range(2):
        upload(files, tmp_path / "report", join(root, "report"))
    upload(files, page, join(root, "copy.html"))
    assert names(back_end) == ["copy.html", "report/figures/a.svg", "report/index.html"]


def test_a_folder_is_replaced_as_a_whole(
    back_end: BackEnd, put: Callable[[str, bytes], Path], tmp_path: Path
) -> None:
    files, root = back_end
    put("first/1/a", b"first"), put("first/1/b", b"")
    put("second/1/a", b"second"), put("second/mark", b"")
    url = join(root, "deep", "model")
    files.replace_folder(tmp_path / "first", url, last="1/a")
    assert names(back_end) == ["deep/model/1/a", "deep/model/1/b"]
    files.replace_folder(tmp_path / "second", url, last="1/a")
    assert names(back_end) == ["deep/model/1/a", "deep/model/mark"]
    assert files.read(join(url, "1/a")) == b"second"


class Store:
    """Records what is asked of an object store."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def remove(self, url: str) -> None:
        self.calls.append(f"remove {url}")

    def put(self, path: Path, url: str) -> None:
        self.calls.append(f"put {url}")


def test_in_an_object_store_the_last_file_tells_that_a_folder_is_complete(
    put: Callable[[str, bytes], Path], tmp_path: Path
) -> None:
    from mmdin.storage.hadoop import HadoopFiles

    for name in ("a", "1/m", "z"):
        put(f"new/{name}", b"")
    store = Store()
    store._replace_objects = HadoopFiles._replace_objects.__get__(store)  # type: ignore[attr-defined]
    HadoopFiles.replace_folder(store, tmp_path / "new", "s3a://b/x", last="1/m")  # type: ignore[arg-type]
    assert store.calls == [
        *("remove s3a://b/x/1/m", "remove s3a://b/x"),
        *("put s3a://b/x/a", "put s3a://b/x/z", "put s3a://b/x/1/m"),
    ]
