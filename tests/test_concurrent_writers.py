"""Two writers of one table, the second of which ends while the first computes its rows."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from mmdin.errors import TableError
from mmdin.local_rows import local_rows
from mmdin.schemas import LINKS
from mmdin.tables import Tables


@pytest.fixture
def tables(spark: SparkSession, tmp_path: Path) -> Tables:
    return Tables(spark, str(tmp_path))


def links(tables: Tables, *movies: int) -> DataFrame:
    return local_rows(tables.spark, [(m, f"{m:07d}", m) for m in movies], LINKS.schema)


def slowly(rows: DataFrame, folder: Path) -> DataFrame:
    """The rows, once the file `go` is there; the file `computing` says that they are asked for."""

    def wait(batches: Iterator) -> Iterator:
        (folder / "computing").touch()
        latest = time.monotonic() + 60
        while not (folder / "go").exists() and time.monotonic() < latest:
            time.sleep(0.02)
        yield from batches

    return rows.coalesce(1).mapInArrow(wait, rows.schema)


def write_while(slow: Callable[[], None], fast: Callable[[], None], folder: Path) -> None:
    """Let the slow writer begin first and end last. Raises what it raises."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            slow()
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    latest = time.monotonic() + 60
    while not (folder / "computing").exists():
        assert time.monotonic() < latest and thread.is_alive(), raised
        time.sleep(0.02)
    try:
        fast()
    finally:
        (folder / "go").touch()
        thread.join(120)
    assert not thread.is_alive()
    if raised:
        raise raised[0]


@pytest.mark.parametrize("exists", [True, False])
def test_rows_of_both_are_kept(tables: Tables, tmp_path: Path, exists: bool) -> None:
    if exists:
        tables.write(LINKS, links(tables, 1, 2, 3))
    slow = slowly(links(tables, 1), tmp_path)
    write_while(
        lambda: tables.replace(LINKS, slow, "movie_id = 1"),
        lambda: tables.replace(LINKS, links(tables, 2, 5), "movie_id IN (2, 5)"),
        tmp_path,
    )
    found = sorted(r["movie_id"] for r in tables.read(LINKS).collect())
    assert found == ([1, 2, 3, 5] if exists else [1, 2, 5])


@pytest.mark.parametrize("exists", [True, False])
def test_of_two_that_write_the_whole_table_the_later_says_so(
    tables: Tables, tmp_path: Path, exists: bool
) -> None:
    if exists:
        tables.write(LINKS, links(tables, 1))
    slow = slowly(links(tables, 1), tmp_path)
    with pytest.raises(TableError, match="written by another job at the same time"):
        write_while(
            lambda: tables.write(LINKS, slow),
            lambda: tables.write(LINKS, links(tables, 2)),
            tmp_path,
        )
    assert [r["movie_id"] for r in tables.read(LINKS).collect()] == [2]


def test_rows_that_other_jobs_come_before_each_time(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmdin.tables._ATTEMPTS", 1)
    tables.write(LINKS, links(tables, 1, 2))
    slow = slowly(links(tables, 1), tmp_path)
    with pytest.raises(TableError, match="other jobs wrote it 1 times"):
        write_while(
            lambda: tables.replace(LINKS, slow, "movie_id = 1"),
            lambda: tables.replace(LINKS, links(tables, 2), "movie_id = 2"),
            tmp_path,
        )
