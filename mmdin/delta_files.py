"""The Parquet files of a Delta table, listed from its log by Delta Kernel in the driver.

Spark's own Delta source starts four jobs to read a log of any length. Kernel starts none.
"""

from collections.abc import Iterable
from typing import Any

from pyspark.sql import SparkSession

from mmdin.java_classes import java_class

MOST_FILES = 200
"""Files up to which the driver lists a table: Spark starts a task a file to look at so many."""


def list_plain_files(
    spark: SparkSession, path: str, columns: Iterable[str], version: int | None = None
) -> list[str] | None:
    """List the files of a table's newest or of a pinned version.

    Args:
        spark: session with Delta's jars.
        path: URL of a table that exists, as Hadoop takes it.
        columns: that will be read.
        version: None for the newest.

    Returns:
        The files' URLs, as Hadoop takes them. None if plain Parquet readers would see other rows
        than the table has, because of deletion vectors, column mapping or partitions that folders
        do not name, if the version lacks a column, or if there are more than `MOST_FILES`.
    """
    snapshot, files = _scan(spark, path, version)
    mapping = snapshot.getTableProperties().get("delta.columnMapping.mode")
    lacks = not {*columns} <= {*_strings(snapshot.getSchema().fieldNames())}
    if lacks or mapping not in (None, "none") or len(files) > MOST_FILES:
        return None
    of_file = _kernel(spark, "internal.InternalScanFileUtils")
    if any(of_file.getDeletionVectorDescriptorFromRow(file) is not None for file in files):
        return None
    urls = [str(of_file.getAddFileStatus(file).getPath()) for file in files]
    folders = [f"/{column}=" for column in _strings(snapshot.getPartitionColumnNames())]
    named = all(folder in url.removeprefix(path) for url in urls for folder in folders)
    return urls if named else None


def list_sizes(spark: SparkSession, path: str) -> dict[str, int]:
    """Sizes of the files of a table's newest version, by their paths in the table.

    Files elsewhere, as a shallow clone has them, are left out. The arguments are as for
    `list_plain_files`.
    """
    _, files = _scan(spark, path)
    of_file = _kernel(spark, "internal.InternalScanFileUtils")
    sizes = {str(s.getPath()): int(s.getSize()) for s in map(of_file.getAddFileStatus, files)}
    return {u.removeprefix(f"{path}/"): n for u, n in sizes.items() if u.startswith(f"{path}/")}


def _kernel(spark: SparkSession, name: str) -> Any:
    """A class, by its name in io.delta.kernel."""
    return java_class(spark._jvm, f"io.delta.kernel.{name}")


def _strings(values: Any) -> list[str]:
    """The elements of a Java list.

    Py4J's iterator ends by an exception in the JVM, which costs PySpark some 20 ms to translate.
    """
    return [values.get(n) for n in range(values.size())]


def _scan(spark: SparkSession, path: str, version: int | None = None) -> tuple[Any, list[Any]]:
    """A version's snapshot, and the rows in which Kernel describes its files."""
    make_engine = _kernel(spark, "defaults.engine.DefaultEngine").create
    engine = make_engine(spark._jsc.hadoopConfiguration())
    table = _kernel(spark, "Table").forPath(engine, path)
    if version is None:
        snapshot = table.getLatestSnapshot(engine)
    else:
        snapshot = table.getSnapshotAsOfVersion(engine, version)
    return snapshot, _list_scan_files(engine, snapshot.getScanBuilder().build())


def _list_scan_files(engine: Any, scan: Any) -> list[Any]:
    """The rows in which Kernel describes a scan's files."""
    files = []
    batches = scan.getScanFiles(engine)
    try:
        while batches.hasNext():
            rows = batches.next().getRows()
            while rows.hasNext():
                files.append(rows.next())
            rows.close()
    finally:
        batches.close()
    return files
