"""Counting what was read, kept and rejected, in one query for all files."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame, Observation, Row
from pyspark.sql import functions as F

from mmdin.ingest.formats import MOVIES, InputFile

_GENRES = "genres"
_MEASURED = ("value", "seconds")


@dataclass
class Range:
    """The numbers of a column of ratings.csv, over all rows that have them.

    Attributes:
        count: of the numbers.
        lowest: of them.
        highest: of them.
        whole: how many are whole.
        halves: how many are whole or a half.
    """

    count: int = 0
    lowest: float = float("inf")
    highest: float = float("-inf")
    whole: int = 0
    halves: int = 0

    def add(self, row: Row, column: str) -> None:
        """Include a group of rows."""
        if not row[f"{column}_count"]:
            return
        self.count += row[f"{column}_count"]
        self.lowest = min(self.lowest, row[f"{column}_min"])
        self.highest = max(self.highest, row[f"{column}_max"])
        self.whole += row[f"{column}_whole"]
        self.halves += row[f"{column}_halves"]


@dataclass
class Tally:
    """What became of the rows of a file.

    Attributes:
        kept: number of rows.
        rejected: number of rows by reason.
        years: number of kept movies by their release year as listed, None if the title has none.
        genres: every spelling of a genre of kept movies.
        values: ratings as read.
        kept_values: those of kept ratings.
        kept_seconds: times of kept ratings.
    """

    kept: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    years: Counter[int | None] = field(default_factory=Counter)
    genres: set[str] = field(default_factory=set)
    values: Range = field(default_factory=Range)
    kept_values: Range = field(default_factory=Range)
    seconds: Range = field(default_factory=Range)
    kept_seconds: Range = field(default_factory=Range)

    @property
    def judged(self) -> int:
        """Number of rows."""
        return self.kept + self.rejected.total()

    def add(self, row: Row) -> None:
        """Include a group of rows."""
        self.values.add(row, "value")
        self.seconds.add(row, "seconds")
        if row["reason"] is not None:
            self.rejected[row["reason"]] += row["rows"]
            return
        self.kept += row["rows"]
        self.years[None if row["key"] is None else int(row["key"])] += row["rows"]
        self.kept_values.add(row, "value")
        self.kept_seconds.add(row, "seconds")


class ReadCounter:
    """Counts rows as they are read, without a query, to notice if one is lost later.

    Args:
        rows: a file's rows.
    """

    def __init__(self, rows: DataFrame) -> None:
        self._observation = Observation()
        self._plain = rows
        self.rows = rows.observe(self._observation, F.count(F.lit(1)).alias("read"))

    def check(self, name: str, judged: int) -> None:
        """Compare with the number of judged rows, after a query of all of them.

        Raises:
            RuntimeError: if they differ.
        """
        if self._observation.get["read"] == judged:
            return
        # A task that ran twice was observed twice.
        read = self._plain.count()
        if read != judged:
            raise RuntimeError(f"{name}: {read} rows were read, but {judged} judged")


def tally(judged: Mapping[InputFile, DataFrame]) -> dict[InputFile, Tally]:
    """Count the rows of each file, kept and rejected, in one query."""
    parts = [_counted(rows, file) for file, rows in judged.items()]
    if MOVIES in judged:
        kept_movies = judged[MOVIES].where("reason IS NULL")
        genres = kept_movies.select(F.explode("genres").alias("key"))
        parts.append(_aligned(genres, _GENRES, F.col("key"), None))
    counted = parts[0]
    for part in parts[1:]:
        counted = counted.unionByName(part)
    rows = counted.groupBy("file", "reason", "key").agg(
        F.count(F.lit(1)).alias("rows"), *(m for c in _MEASURED for m in _measures(c))
    )
    return _sum_up(rows.collect(), judged)


def _sum_up(rows: list[Row], judged: Mapping[InputFile, DataFrame]) -> dict[InputFile, Tally]:
    tallies = {file: Tally() for file in judged}
    by_stem = {file.stem: tally for file, tally in tallies.items()}
    for row in rows:
        if row["file"] == _GENRES:
            tallies[MOVIES].genres.add(row["key"])
        else:
            by_stem[row["file"]].add(row)
    return tallies


def _counted(rows: DataFrame, file: InputFile) -> DataFrame:
    has_year = "release_year" in rows.columns
    year = F.when(F.col("reason").isNull(), F.col("release_year")) if has_year else F.lit(None)
    return _aligned(rows, file.stem, year.cast("string"), "reason")


def _aligned(rows: DataFrame, file: str, key: Column, reason: str | None) -> DataFrame:
    """Columns that are the same for all files."""
    measured = (
        (F.col(c) if c in rows.columns else F.lit(None)).cast("double").alias(c) for c in _MEASURED
    )
    return rows.select(
        F.lit(file).alias("file"),
        (F.col(reason) if reason else F.lit(None).cast("string")).alias("reason"),
        key.alias("key"),
        *measured,
    )


def _measures(column: str) -> list[Column]:
    value = F.col(column)
    return [
        F.count(value).alias(f"{column}_count"),
        F.min(value).alias(f"{column}_min"),
        F.max(value).alias(f"{column}_max"),
        F.count_if(value % 1 == 0).alias(f"{column}_whole"),
        F.count_if(value * 2 % 1 == 0).alias(f"{column}_halves"),
    ]
