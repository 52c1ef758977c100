"""Image files of a local folder, listed and read by Python, under names of any kind.

Java does not see files whose names its encoding cannot express, and Hadoop fails on a colon.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from mmdin.connect import require_classic
from mmdin.local_rows import local_rows
from mmdin.storage import walk

UNREADABLE = "file cannot be read"

_LISTED = StructType().add("path", "binary").add("file", "string").add("length", "long")
_BYTES_PER_TASK = 128 << 20
_BYTES_PER_BATCH = 32 << 20


@dataclass(frozen=True)
class LocalFile:
    """A file that is not hidden, or a link to nothing.

    Attributes:
        path: absolute, as the disk has it.
        size: in bytes; None if it is not a regular file.
    """

    path: bytes
    size: int | None

    @property
    def name(self) -> str:
        """The last part of the path; bytes that are no UTF-8 are written in hexadecimal."""
        return self.path.rpartition(b"/")[2].decode("utf-8", "backslashreplace")


def list_local_files(folder: Path) -> list[LocalFile]:
    """The files in a folder and its subfolders, without hidden ones (names starting with . or _).

    Raises:
        OSError: if a folder cannot be read.
    """
    root = os.fsencode(folder.absolute())
    found = walk(root, wanted=lambda name: not name.startswith((b".", b"_")))
    return sorted(
        (LocalFile(root + b"/" + name, _size(state)) for name, state in found),
        key=lambda file: file.path,
    )


def _size(state: os.stat_result | None) -> int | None:
    return state.st_size if state and stat.S_ISREG(state.st_mode) else None


def local_files_in_tasks(
    spark: SparkSession, files: Sequence[LocalFile], max_bytes: int
) -> DataFrame:
    """The files as rows, in as many partitions as it takes tasks to read them.

    Executors must see the same folder as the driver.

    Args:
        spark: the session.
        files: from `list_local_files`.
        max_bytes: larger files will not be read.

    Returns:
        path (binary), file (the name) and length, which `read_local_files` takes.

    Raises:
        ClusterError: if the session is one of Spark Connect.
    """
    require_classic(spark, "ingest_posters divides files among tasks through a SparkContext")
    size = sum(min(file.size or 0, max_bytes) for file in files)
    tasks = max(spark.sparkContext.defaultParallelism, size // _BYTES_PER_TASK)
    rows = ((file.path, file.name, file.size) for file in files)
    return local_rows(spark, rows, _LISTED).repartition(tasks)


def read_local_files(batches: Iterator[pa.RecordBatch], max_bytes: int) -> Iterator[pa.RecordBatch]:
    """Add column content (binary), null for files that are too large or cannot be read.

    Args:
        batches: of the columns of `local_files_in_tasks`.
        max_bytes: larger files are not read.

    Yields:
        The same rows in the same order, in batches that memory holds.
    """
    for batch in batches:
        start, held = 0, 0
        contents: list[bytes | None] = []
        files = zip(batch["path"].to_pylist(), batch["length"].to_pylist(), strict=True)
        for row, (path, size) in enumerate(files):
            is_wanted = size is not None and size <= max_bytes
            contents.append(_content(path) if is_wanted else None)
            held += len(contents[-1] or b"")
            if held > _BYTES_PER_BATCH or row == batch.num_rows - 1:
                read = batch.slice(start, len(contents))
                yield read.append_column("content", pa.array(contents, pa.binary()))
                start, held, contents = row + 1, 0, []


def _content(path: bytes) -> bytes | None:
    try:
        return Path(os.fsdecode(path)).read_bytes()
    except OSError:
        return None
