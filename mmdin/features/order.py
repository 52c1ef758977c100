"""The orders that rows are put in: by time for windows, shuffled for training."""

from pyspark import StorageLevel
from pyspark.sql import DataFrame

from mmdin.hashing import hashed_order


def sort_by_time(rows: DataFrame, key: str) -> DataFrame:
    """Bring together the rows that share the key, in order of seconds, ties by user and movie.

    Windows by key and seconds use this order, and Spark skips the shuffle and the sort. A
    floating-point sum depends on the order of its terms, so without a fixed order, ratings of one
    second could change the last digit of a mean from run to run.
    """
    return sort_parts_by_time(rows.repartition(key), key)


def sort_parts_by_time(rows: DataFrame, key: str) -> DataFrame:
    """The same for rows that are already partitioned by the key."""
    order = dict.fromkeys((key, "seconds", "user_id", "movie_id"))
    return rows.sortWithinPartitions(*order)


def shuffle_into_files(rows: DataFrame, files: int, seed: int) -> DataFrame:
    """Deal rows out to files; within a file, order them by split and then by a seeded hash.

    Written partitioned by split, each split gets that many files of about the same size (a file
    without rows is not written), and neighbours in a file have nothing in common. The same rows
    give the same files.
    """
    # The file must not follow from the order within it.
    dealt = rows.repartition(files, hashed_order(seed, "file"))
    return dealt.sortWithinPartitions(
        "split", hashed_order(seed, "order"), "user_id", "movie_id", "seconds"
    )


def computed(rows: DataFrame) -> DataFrame:
    """The same rows, computed now and kept on the executors' disks until nothing refers to them.

    Later steps then neither compute nor plan the steps before this one again: with windows of 40
    columns, planning took longer than computing 100 thousand rows. Compared with persist(), which
    turns rows into compressed columns and back, this took a third less time. On a cluster, two
    executors keep each part of the rows, so that one of them can be lost.
    """
    master = rows.sparkSession.conf.get("spark.master", "") or ""
    kept = StorageLevel.DISK_ONLY if master.startswith("local") else StorageLevel.DISK_ONLY_2
    return rows.localCheckpoint(eager=True, storageLevel=kept)
