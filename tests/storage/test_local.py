"""Local folders: any names, links, and what this user may not read or write."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mmdin.errors import StorageError
from mmdin.storage import local_folder, make_local_root, plain_names, walk
from mmdin.storage.local import LocalFiles

NOBODY = 65534


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Path]:
    """A folder in which this process has only the rights that the modes say."""
    tmp_path.chmod(0o777)
    for parent in tmp_path.parents[:3]:  # pytest's own, and one more of a worker
        parent.chmod(parent.stat().st_mode | 0o055)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    yield tmp_path
    if is_root:
        os.seteuid(0)


def names(folder: Path) -> list[str]:
    return [file.name for file in LocalFiles().list(str(folder), recursive=True)]


def test_names_need_not_be_text(tmp_path: Path) -> None:
    strange = os.fsdecode(b"caf\xe9 #1?.jpg")
    (tmp_path / "2:x\n.jpg").touch()
    (tmp_path / strange).touch()
    assert sorted(names(tmp_path)) == sorted(["2:x\n.jpg", strange])


def test_links_are_followed_but_not_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_text("x")
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "broken").symlink_to("nowhere")
    assert names(tmp_path) == ["a/b/file", "link/b/file"]
    states = dict(walk(os.fsencode(tmp_path), recursive=False))
    assert states == {b"broken": None}


def test_a_file_is_listed_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("abc")
    (alone,) = LocalFiles().list(str(tmp_path / "file"))
    assert (alone.name, alone.size) == ("", 3)


def test_a_folder_that_cannot_be_read_is_named_and_not_empty(limited: Path) -> None:
    inner = limited / "root" / "secret"
    inner.mkdir(parents=True)
    inner.chmod(0)
    with pytest.raises(StorageError, match=r"root/secret: Permission denied"):
        names(limited / "root")
    with pytest.raises(StorageError, match=r"secret/file: Permission denied"):
        local_folder(inner).exists("file")


@pytest.mark.parametrize("place", ["", "tables", "tables/ratings", "checkpoints"])
def test_a_root_that_cannot_be_written_to_is_refused_by_name(limited: Path, place: str) -> None:
    root = limited / "root"
    (root / "tables" / "ratings").mkdir(parents=True)
    (root / "checkpoints").mkdir()
    make_local_root(str(root))
    (root / place).chmod(0o555)
    with pytest.raises(StorageError) as error:
        make_local_root(str(root))
    named = f"{root}/{place}".rstrip("/")
    assert f"root {root} cannot be written to: {named}: Permission denied" in str(error.value)
    (root / place).chmod(0o755)


def test_a_root_that_cannot_be_made_is_refused_by_name(limited: Path) -> None:
    (limited / "file").touch()
    (limited / "root").mkdir()
    (limited / "root" / "stages").touch()
    closed = limited / "closed"
    closed.mkdir()
    closed.chmod(0o555)
    for root, reason in (
        (limited / "file", "File exists"),
        (limited / "file" / "root", "Not a directory"),
        (limited / "root", "Not a directory"),
        (limited / ("x" * 300), "File name too long"),
        (closed / "root", "Permission denied"),
    ):
        with pytest.raises(StorageError, match=f"(?s)root .* cannot be written to: .*{reason}"):
            make_local_root(str(root))


def test_files_get_names_without_a_meaning_in_urls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strange = tmp_path / "a#b?c%20d é"
    strange.mkdir()
    files = [strange / f"{n}.parquet" for n in range(2)]
    for n, file in enumerate(files):
        file.write_text(str(n))
    monkeypatch.setenv("SPARK_LOCAL_DIRS", str(strange))
    with plain_names(files) as paths:
        assert [path.read_text() for path in paths] == ["0", "1"]
        assert all(set("#?% é").isdisjoint(str(path)) for path in paths)
    assert not paths[0].parent.exists()
    with plain_names([tmp_path / "a=b.parquet"]) as paths:
        assert paths == [tmp_path / "a=b.parquet"]
