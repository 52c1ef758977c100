"""How many images a Spark task reads, and how many a Python worker holds at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

_SETTINGS = {
    # Otherwise a batch is 10,000 rows, and 10,000 images may not fit into memory. An image larger
    # than this is a batch alone.
    "spark.sql.execution.arrow.maxBytesPerBatch": str(32 << 20),
    # Otherwise opening a file counts as much as reading 4 MiB, and a task reads only 32 posters,
    # which is less work than starting it.
    "spark.sql.files.openCostInBytes": str(64 << 10),
}


@contextmanager
def tasks_sized_for_images(spark: SparkSession) -> Iterator[None]:
    """Run queries with settings for many small binary files; restores the settings at the end."""
    before: dict[str, str | None] = {name: spark.conf.get(name, None) for name in _SETTINGS}
    for name, within in _SETTINGS.items():
        spark.conf.set(name, within)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                spark.conf.unset(name)
            else:
                spark.conf.set(name, value)
