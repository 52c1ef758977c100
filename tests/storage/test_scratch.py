"""Local copies of remote files."""

import stat
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from mmdin.errors import StorageError
from mmdin.storage import files_at, join, local_copies, local_folder


def test_copies_are_deleted_when_their_context_ends(
    spark: SparkSession, remote: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARK_LOCAL_DIRS", f"{tmp_path},/elsewhere")
    files, lines = files_at(spark, remote), []
    files.write(join(remote, "part"), b"x" * 100_000)
    with local_copies(files, [join(remote, "part")], lines.append) as (copy,):
        assert copy.is_relative_to(tmp_path)
        assert copy.stat().st_size == 100_000
        assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700
    assert not copy.parent.exists()
    assert lines == ["copies 1 files, 0.1 MB, to local disk (no native client for viewfs here)"]


def test_local_files_are_not_copied(tmp_path: Path) -> None:
    files, lines = local_folder(tmp_path).files, []
    with local_copies(files, [str(tmp_path / "file")], lines.append) as paths:
        assert paths == [tmp_path / "file"]
    assert lines == []


def test_files_of_one_name_are_refused(spark: SparkSession, remote: str) -> None:
    urls = [join(remote, folder, "x") for folder in "ab"]
    with (
        pytest.raises(ValueError, match="same name"),
        local_copies(files_at(spark, remote), urls, print),
    ):
        pass


def test_files_that_do_not_fit_are_refused_before_they_are_copied(
    spark: SparkSession, remote: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, url = files_at(spark, remote), join(remote, "large")
    files.write(url, b"x" * 1000)
    monkeypatch.setenv("SPARK_LOCAL_DIRS", str(tmp_path))
    set_free_space(monkeypatch, tmp_path, 1000)
    with (
        pytest.raises(StorageError, match=r"spark\.local\.dir"),
        local_copies(files, [url], print),
    ):
        pass


def set_free_space(monkeypatch: pytest.MonkeyPatch, folder: Path, free: int) -> None:
    from mmdin.storage.scratch import shutil

    usage = shutil.disk_usage(folder)._replace(free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
