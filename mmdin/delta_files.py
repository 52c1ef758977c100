"""The Parquet files of a Delta table, listed from its log by Delta Kernel in the driver.

Spark's own Delta source starts four jobs to read a log of any length. Kernel starts none.
"""

from typing import Any

from pyspark.sql import SparkSession


def list_plain_files(spark: SparkSession, path: str) -> list[str] | None:
    """List the files of a table's newest version.

    Args:
        spark: session with Delta's jars.
        path: path or URL of a table that exists.

    Returns:
        The files' URLs. None if plain Parquet readers would see other rows than the table has,
        because of partitions, deletion vectors or column mapping.
    """
    kernel = spark._jvm.io.delta.kernel  # type: ignore[union-attr]
    engine = kernel.defaults.engine.DefaultEngine.create(spark._jsc.hadoopConfiguration())
    snapshot = kernel.Table.forPath(engine, path).getLatestSnapshot(engine)
    mapping = snapshot.getTableProperties().get("delta.columnMapping.mode")
    if snapshot.getPartitionColumnNames() or mapping not in (None, "none"):
        return None
    files = _list_scan_files(engine, snapshot.getScanBuilder().build())
    of_file = kernel.internal.InternalScanFileUtils
    if any(of_file.getDeletionVectorDescriptorFromRow(file) is not None for file in files):
        return None
    return [str(of_file.getAddFileStatus(file).getPath()) for file in files]


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
