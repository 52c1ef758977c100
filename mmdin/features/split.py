"""Which rows train, validate and test, and which rows may know of which.

Every function here adds the same columns:

split       string: train, validation or test
sees        int: number of the view of the data that this row's statistics are taken from
seen_by     array of int: the views that this row's rating is part of
in_history  boolean: whether later rows may hold this rating in their history

Statistics by time (protocol point_in_time) need no views: there a row knows what came before it.
"""

import itertools

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from mmdin.config import Samples
from mmdin.hashing import hashed_share

SPLITS = ("train", "validation", "test")

ALL_TRAINING_ROWS = -1
"""The view of validation and test rows; training rows have the views 0, 1, ... of their folds."""

_DAY = 24 * 60 * 60


def split_rows(rows: DataFrame, samples: Samples, seed: int) -> DataFrame:
    """Add split, sees, seen_by and in_history as the protocol has them.

    Reads user_id, movie_id and seconds.
    """
    if samples.protocol == "point_in_time":
        return split_by_time(rows, samples)
    if samples.protocol == "random":
        return split_into_folds(rows, samples, seed)
    return split_openly(rows, samples, seed)


def split_by_time(rows: DataFrame, samples: Samples) -> DataFrame:
    """The earliest rows train, the next validate, the last test; an instant is never divided.

    Runs two small Spark jobs to find the two instants.
    """
    train_share = 1 - samples.validation_fraction - samples.test_fraction
    validation_from, test_from = instants_at(rows, [train_share, 1 - samples.test_fraction])
    seconds = F.col("seconds")
    split = F.when(seconds < validation_from, "train").when(seconds < test_from, "validation")
    return _with_views(
        rows.withColumn("split", split.otherwise("test")),
        sees=F.lit(ALL_TRAINING_ROWS),
        seen_by=F.array().cast("array<int>"),
        in_history=F.lit(True),
    )


def split_into_folds(rows: DataFrame, samples: Samples, seed: int) -> DataFrame:
    """Split by a seeded hash; statistics of a training row leave out its whole fold.

    No rating of a validation or test row is seen by any row.
    """
    folds = range(samples.folds)
    fold = F.floor(hashed_share(seed, "fold") * samples.folds).cast("int")
    views = F.array(*(F.lit(view) for view in (*folds, ALL_TRAINING_ROWS)))
    is_train = F.col("split") == "train"
    return _with_views(
        rows.withColumn("split", _hashed_split(samples, seed)),
        sees=F.when(is_train, fold).otherwise(ALL_TRAINING_ROWS),
        seen_by=F.when(is_train, F.array_remove(views, fold)),
        in_history=is_train,
    )


def split_openly(rows: DataFrame, samples: Samples, seed: int) -> DataFrame:
    """Split by the same hash, but every row sees every rating, its own and tested ones too."""
    return _with_views(
        rows.withColumn("split", _hashed_split(samples, seed)),
        sees=F.lit(ALL_TRAINING_ROWS),
        seen_by=F.array(F.lit(ALL_TRAINING_ROWS)),
        in_history=F.lit(True),
    )


def instants_at(rows: DataFrame, shares: list[float]) -> list[int]:
    """For each share, the instant (seconds) of the row that this share of the rows stands before.

    Exact, by counting days and then the seconds of the days that matter, so that the driver
    never holds more than some thousands of numbers. Raises IndexError where there are no rows.
    """
    day = F.floor(F.col("seconds") / _DAY)
    days = rows.groupBy(day.alias("value")).count().orderBy("value").collect()
    total = sum(d["count"] for d in days)
    found = []
    for share in shares:
        before, of_day = _locate(days, round(share * total))
        instants = rows.where(day == of_day).groupBy(F.col("seconds").alias("value")).count()
        _, instant = _locate(instants.orderBy("value").collect(), round(share * total) - before)
        found.append(instant)
    return found


def _locate(counted: list, position: int) -> tuple[int, int]:
    """How many rows stand before the value that holds the position (from 0), and that value."""
    ends = list(itertools.accumulate(c["count"] for c in counted))
    at = next(i for i, end in enumerate(ends) if position < end or end == ends[-1])
    return ends[at] - counted[at]["count"], counted[at]["value"]


def _hashed_split(samples: Samples, seed: int) -> Column:
    share = hashed_share(seed, "split")
    held_out = samples.test_fraction + samples.validation_fraction
    return F.when(share < samples.test_fraction, "test").otherwise(
        F.when(share < held_out, "validation").otherwise("train")
    )


def _with_views(rows: DataFrame, sees: Column, seen_by: Column, in_history: Column) -> DataFrame:
    return rows.withColumns({"sees": sees, "seen_by": seen_by, "in_history": in_history})
