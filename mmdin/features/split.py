"""Which rows train, validate and test, and which rows may know of which.

Every function here adds the same columns:

split       string: train, validation or test
sees        int: number of the view of the data that this row's statistics are taken from
seen_by     array of int: the views that this row's rating is part of
in_history  boolean: whether later rows may hold this rating in their history

Statistics by time (protocol point_in_time) need no views: a row knows what came before it.
"""

import itertools
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from mmdin.config import Samples
from mmdin.hashing import hashed_share

SPLITS = ("train", "validation", "test")

ALL_TRAINING_ROWS = -1
"""The view of validation and test rows; training rows have the views 0, 1, ... of their folds."""

_DAY = 24 * 60 * 60


def split_rows(rows: DataFrame, samples: Samples, seed: int) -> DataFrame:
    """Add split, sees, seen_by and in_history by the rules of samples.protocol.

    Reads user_id, movie_id and seconds.
    """
    if samples.protocol == "point_in_time":
        return split_by_time(rows, samples)
    if samples.protocol == "random":
        return split_into_folds(rows, samples, seed)
    return split_leaky(rows, samples, seed)


def split_by_time(rows: DataFrame, samples: Samples) -> DataFrame:
    """The earliest rows train, the next validate, the last test; an instant is never divided.

    Counts days and then seconds, in two queries, to find the two instants.
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


def split_leaky(rows: DataFrame, samples: Samples, seed: int) -> DataFrame:
    """Split by the same hash, but every row sees every rating, also its own and test rows'."""
    return _with_views(
        rows.withColumn("split", _hashed_split(samples, seed)),
        sees=F.lit(ALL_TRAINING_ROWS),
        seen_by=F.array(F.lit(ALL_TRAINING_ROWS)),
        in_history=F.lit(True),
    )


def instants_at(rows: DataFrame, shares: Sequence[float]) -> list[int]:
    """For each share, the instant (seconds) of the row that has this share of the rows before it.

    Exact, by counting days and then the seconds of the days that matter, so that the driver never
    holds more than some thousands of numbers.

    Args:
        rows: with seconds; at least one.
        shares: in 0..1.
    """
    day = F.floor(F.col("seconds") / _DAY)
    days = _count_values(rows, day)
    total = sum(count for _, count in days)
    positions = [round(share * total) for share in shares]
    located = [_locate(days, position) for position in positions]
    seconds = _count_values(rows.where(day.isin({d for d, _ in located})), F.col("seconds"))
    instants = []
    for position, (of_day, before) in zip(positions, located, strict=True):
        of_that_day = [(s, count) for s, count in seconds if s // _DAY == of_day]
        instants.append(_locate(of_that_day, position - before)[0])
    return instants


def _count_values(rows: DataFrame, value: Column) -> list[tuple[int, int]]:
    """Every value and its rows, in order of values."""
    counted = rows.groupBy(value.alias("value")).agg(F.count("*").alias("rows")).collect()
    return sorted((row["value"], row["rows"]) for row in counted)


def _locate(counted: Sequence[tuple[int, int]], position: int) -> tuple[int, int]:
    """The value that holds the position (from 0; the last if beyond), and the rows before it."""
    ends = list(itertools.accumulate(count for _, count in counted))
    at = next(n for n, end in enumerate(ends) if position < end or end == ends[-1])
    value, count = counted[at]
    return value, ends[at] - count


def _hashed_split(samples: Samples, seed: int) -> Column:
    share = hashed_share(seed, "split")
    held_out = samples.test_fraction + samples.validation_fraction
    return F.when(share < samples.test_fraction, "test").otherwise(
        F.when(share < held_out, "validation").otherwise("train")
    )


def _with_views(rows: DataFrame, sees: Column, seen_by: Column, in_history: Column) -> DataFrame:
    return rows.withColumns({"sees": sees, "seen_by": seen_by, "in_history": in_history})
