"""The patch of Petastorm for PyArrow 18: what it reads, and what it refuses by name.

That every row is read once, in an order that the seed draws, is in test_reading.py.
"""

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import petastorm
    from petastorm import make_batch_reader, make_reader
    from petastorm.parquet import ParquetDataset, ParquetDatasetPiece

ROW_GROUPS = {"a": (4, 4, 1), "b": (5,), "empty": ()}
OPTIONS = {"reader_pool_type": "dummy", "num_epochs": 1}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture
def urls(tmp_path: Path) -> list[str]:
    """Files in a partition's folder; `number` counts all rows from 0, over files and row groups."""
    folder, start, urls = tmp_path / "split=train", 0, []
    folder.mkdir()
    schema = pa.schema([("number", pa.int32()), ("twice", pa.int64()), ("name", pa.string())])
    for name, sizes in ROW_GROUPS.items():
        path = folder / f"{name}.parquet"
        with pq.ParquetWriter(path, schema) as writer:
            for size in sizes:
                number = np.arange(start, start + size)
                columns = [number.astype(np.int32), number * 2, [f"row {n}" for n in number]]
                writer.write_table(pa.table(columns, schema=schema))
                start += size
        urls.append(f"file://{path}")
    return urls


def test_set_up_has_installed_the_patched_release() -> None:
    assert petastorm.__version__ == "0.13.1+pyarrow18"


def test_each_row_group_is_a_chunk_in_the_order_of_files(urls: list[str]) -> None:
    with make_batch_reader(urls, shuffle_row_groups=False, **OPTIONS) as reader:
        chunks = [chunk.number.tolist() for chunk in reader]
    assert chunks == [[0, 1, 2, 3], [4, 5, 6, 7], [8], [9, 10, 11, 12, 13]]


def test_all_columns_are_read_and_none_is_made_of_a_folders_name(urls: list[str]) -> None:
    with make_batch_reader(urls, shuffle_row_groups=False, **OPTIONS) as reader:
        assert list(reader.schema.fields) == ["number", "twice", "name"]
        chunk = next(reader)
    assert chunk.number.dtype == np.int32
    assert chunk.twice.tolist() == [0, 2, 4, 6]
    assert chunk.name.tolist() == ["row 0", "row 1", "row 2", "row 3"]


def test_only_the_wanted_columns_are_read(urls: list[str]) -> None:
    wanted = ["^twice$"]
    with make_batch_reader(urls, wanted, shuffle_row_groups=False, **OPTIONS) as reader:
        assert next(reader)._fields == ("twice",)
    with pytest.raises(RuntimeError, match="No fields matching"):
        make_batch_reader(urls, ["^absent$"], **OPTIONS)


def test_shards_part_the_row_groups(urls: list[str]) -> None:
    numbers = []
    for shard in (0, 1):
        with make_batch_reader(urls, cur_shard=shard, shard_count=2, **OPTIONS) as reader:
            numbers.append({n for chunk in reader for n in chunk.number.tolist()})
    assert numbers[0] | numbers[1] == set(range(14))
    assert not numbers[0] & numbers[1]


def test_a_file_splits_into_its_row_groups(urls: list[str]) -> None:
    with make_batch_reader(urls, **OPTIONS) as reader:
        files = reader.dataset.fs
    pieces = ParquetDatasetPiece(urls[0].removeprefix("file://"), files).split()
    assert [p.row_group for p in pieces] == [0, 1, 2]
    assert [p.get_metadata().row_group(p.row_group).num_rows for p in pieces] == [4, 4, 1]
    with pytest.raises(FileNotFoundError):
        ParquetDatasetPiece("/no/such.parquet", files).open()


def test_other_uses_are_refused_by_name(urls: list[str], tmp_path: Path) -> None:
    with pytest.raises(NotImplementedError, match="filters are not supported"):
        make_batch_reader(urls, filters=[("number", "=", 1)], **OPTIONS)
    with pytest.raises(NotImplementedError, match="only make_batch_reader with a list"):
        make_batch_reader(tmp_path.as_uri(), **OPTIONS)
    with pytest.raises(OSError, match="is not a file"):
        make_batch_reader([tmp_path.as_uri()], **OPTIONS)
    with pytest.raises(NotImplementedError, match="only make_batch_reader with a list"):
        make_reader(tmp_path.as_uri(), **OPTIONS)
    with pytest.raises(NotImplementedError, match=r"PyArrow 16 removed pyarrow\.hdfs"):
        make_batch_reader(["hdfs://host/a.parquet"], **OPTIONS)
    with pytest.raises(NotImplementedError, match="filters are not supported"):
        ParquetDataset([], None, filters=[])
