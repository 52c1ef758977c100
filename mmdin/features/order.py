"""The orders that rows are put in: by time for windows, by chance for training."""

from pyspark.sql import DataFrame

from mmdin.hashing import hashed_order


def in_order_of_time(rows: DataFrame, key: str) -> DataFrame:
    """Rows that share the key brought together, in order of seconds, ties by user and movie.

    Windows by key and seconds take this order as they find it, and Spark leaves out what is
    already done. Floating-point sums depend on the order of what is added, so without it ratings
    of one second could change the last digit of a mean from run to run.
    """
    return rows.repartition(key).sortWithinPartitions(key, "seconds", "user_id", "movie_id")


def in_order_of_chance(rows: DataFrame, files: int, seed: int) -> DataFrame:
    """Rows dealt out to files, and in each file put by split and then in seeded random order.

    Written partitioned by split, this gives each split that many files of about the same size (a
    file that no row falls to is not written), and neighbours in a file have nothing in common.
    The same rows give the same files.
    """
    # The file must not follow from the order within it.
    dealt = rows.repartition(files, hashed_order(seed, "file"))
    return dealt.sortWithinPartitions(
        "split", hashed_order(seed, "order"), "user_id", "movie_id", "seconds"
    )
