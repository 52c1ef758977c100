"""Petastorm on real Parquet files, from row groups to batches."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tensorflow.python.data.ops import structured_function

from mmdin.dataset.batches import Batches
from mmdin.dataset.reader import read_rows
from mmdin.dataset.sharding import assign_files, count_steps
from mmdin.tables import DataFile

ROWS = (5, 17, 1, 40, 8, 23, 2)
BATCH = 6
Rows = npt.NDArray[np.int32]


@pytest.fixture
def files(tmp_path: Path) -> list[DataFile]:
    """Files of unequal size, in row groups of unequal size; `number` counts all rows from 0."""
    files, start = [], 0
    for n, rows in enumerate(ROWS):
        number = np.arange(start, start + rows, dtype=np.int32)
        table = pa.table(
            {"number": number, "twice": number * 2, "half": number / 2, "other": number * 0}
        )
        path = tmp_path / f"part-{n}.parquet"
        pq.write_table(table, path, row_group_size=3 + n)
        files.append(DataFile(path.as_uri(), rows))
        start += rows
    return files


def read_epoch(files: list[DataFile], ranks: int, epoch: int) -> list[list[Rows]]:
    """Every rank's batches of an epoch, made as in training."""
    assigned = assign_files(files, ranks, seed=1, epoch=epoch)
    steps = count_steps(assigned, BATCH)
    batches, epoch_batches = Batches(3, BATCH, shuffle_rows=16), []
    for rank, of_rank in enumerate(assigned):
        with read_rows(
            of_rank, ["number", "twice"], ["half"], seed=epoch * 10 + rank + 1
        ) as chunks:
            epoch_batches.append([np.asarray(b) for b in batches.of(chunks, steps, seed=epoch)])
    return epoch_batches


def real_rows(batches: list[list[Rows]]) -> Rows:
    rows = np.concatenate([b for of_rank in batches for b in of_rank])
    return np.compress(rows[:, 3] == 1, rows, axis=0)


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_every_row_is_read_once_an_epoch_in_equal_numbers_of_steps(
    files: list[DataFile], ranks: int
) -> None:
    for epoch in (1, 2):
        batches = read_epoch(files, ranks, epoch)
        assert len({len(of_rank) for of_rank in batches}) == 1
        assert all(b.shape == (BATCH, 4) for of_rank in batches for b in of_rank)
        rows = real_rows(batches)
        assert sorted(rows[:, 0]) == list(range(sum(ROWS)))
        np.testing.assert_array_equal(rows[:, 1], rows[:, 0] * 2)
        halves = np.ascontiguousarray(rows[:, 2]).view(np.float32)
        np.testing.assert_array_equal(halves, rows[:, 0] / 2)


def test_order_differs_between_epochs_and_is_reproducible(files: list[DataFile]) -> None:
    first, again, second = (real_rows(read_epoch(files, 2, e))[:, 0] for e in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, np.sort(first))


def test_an_epoch_traces_nothing(files: list[DataFile], monkeypatch: pytest.MonkeyPatch) -> None:
    """Tracing what makes batches takes longer than reading a hundred thousand rows."""
    batches = Batches(1, BATCH, shuffle_rows=16)

    def traced(*arguments: object, **options: object) -> None:
        pytest.fail("a function of tf.data was traced")

    monkeypatch.setattr(structured_function.StructuredFunctionWrapper, "__init__", traced)
    for epoch in (1, 2):
        with read_rows(files, ["number"], [], seed=epoch) as chunks:
            rows = np.concatenate([np.asarray(b) for b in batches.of(chunks, 17, seed=epoch)])
        assert sorted(rows[rows[:, 1] == 1, 0]) == list(range(sum(ROWS)))


def test_padding_is_rows_of_zeros(files: list[DataFile]) -> None:
    rows = np.concatenate([b for of_rank in read_epoch(files, 3, 1) for b in of_rank])
    assert not rows[rows[:, 3] == 0].any()


def test_columns_that_are_not_taken_stay_on_disk(tmp_path: Path) -> None:
    generator = np.random.default_rng(3)
    wide = {f"value_{n}": generator.random(10_000) for n in range(40)}
    table = pa.table({"number": generator.integers(0, 9, 10_000, np.int32), **wide})
    path = tmp_path / "part-0.parquet"
    pq.write_table(table, path)

    def bytes_read() -> int:
        return int(Path("/proc/self/io").read_text().split()[1])

    before = bytes_read()
    with read_rows([DataFile(path.as_uri(), 10_000)], ["number"], [], seed=1) as chunks:
        rows = sum(len(chunk) for chunk in chunks)
    assert rows == 10_000
    assert bytes_read() - before < path.stat().st_size / 10
