"""Pairs of a user and a movie: from files or a table, with the reasons why some cannot be used."""

import re
from collections.abc import Mapping

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from mmdin.config import Input
from mmdin.errors import InputDataError
from mmdin.ingest.delimited import read_rows, read_stored
from mmdin.ingest.faults import translated_errors
from mmdin.ingest.formats import FORMATS, InputFile
from mmdin.ingest.heads import Head
from mmdin.ingest.layouts import lay_out, plain
from mmdin.ingest.numbers import seconds, whole_number
from mmdin.ingest.ratings import is_possible_time
from mmdin.ingest.rejection import judge, judge_fields, not_whole_number
from mmdin.ingest.sources import Source, head_of, readable
from mmdin.storage import files_at, join, load_files, spark_url

PAIRS = InputFile("pairs", ("user_id", "movie_id"))
TIMED_PAIRS = InputFile("pairs", ("user_id", "movie_id", "rated_at"))

NOT_A_TIME = "rated_at is not a time"
IMPOSSIBLE_TIME = "rated_at is before 1995 or after 2099"
TWICE = "the same pair and moment is there twice"

_TABLE = r"[A-Za-z_]\w*(\.\w+){0,2}"


def read_pairs(spark: SparkSession, place: str, given: Input, key: str) -> DataFrame:
    """Read pairs, and decide which of them can be used.

    Args:
        spark: the session.
        place: a CSV or Parquet file, a folder of such files, the folder of a Delta table, or the
            name of a table.
        given: of which input.encoding is that of text files.
        key: of the configuration that names the place, for messages.

    Returns:
        user_id, movie_id, seconds (null if no moment is given), line and reason (null if the pair
        can be used).

    Raises:
        InputDataError: if there is nothing, or what is there has no such columns.
    """
    if not place:
        raise InputDataError(
            f"no pairs are given: add --set {key}=FILE, a CSV or Parquet file with columns user_id "
            "and movie_id, a folder of such files, or a Delta table"
        )
    with translated_errors(place):
        stored = _find_stored(spark, place, key)
        if stored is None:
            return _read_text(spark, place, given, key)
        file = _kind({plain(name) for name in stored.columns})
        return judge_pairs(read_stored(stored, file, place), file)


def judge_pairs(rows: DataFrame, file: InputFile) -> DataFrame:
    """Decide which pairs can be used, as read_pairs does.

    Args:
        rows: as read by mmdin.ingest.delimited.read_rows.
        file: PAIRS or TIMED_PAIRS.
    """
    is_timed = file == TIMED_PAIRS
    time = F.col("rated_at") if is_timed else F.lit(None).cast("string")
    parsed = judge_fields(rows, file.columns).select(
        whole_number(F.col("user_id")).alias("user_id"),
        whole_number(F.col("movie_id")).alias("movie_id"),
        time.alias("rated_at"),
        seconds(time).alias("seconds"),
        "line",
        "reason",
    )
    is_given = F.col("rated_at").isNotNull()
    judged = judge(
        parsed,
        {
            not_whole_number("user_id"): F.col("user_id").isNotNull(),
            not_whole_number("movie_id"): F.col("movie_id").isNotNull(),
            NOT_A_TIME: ~is_given | F.col("seconds").isNotNull(),
            IMPOSSIBLE_TIME: ~is_given | is_possible_time(F.col("seconds")),
        },
    )
    same = Window.partitionBy("user_id", "movie_id", "seconds", "reason").orderBy("line")
    ranked = judged.withColumn("rank", F.row_number().over(same))
    return judge(ranked, {TWICE: F.col("rank") == 1}).drop("rank", "rated_at")


def _find_stored(spark: SparkSession, place: str, key: str) -> DataFrame | None:
    """The rows of a table or of Parquet files; None if there are text files."""
    files = files_at(spark, place)
    if files.exists(join(place, "_delta_log")):
        return spark.read.format("delta").load(spark_url(spark, place))
    if files.exists(place):
        heads = _heads(spark, place, "utf-8", key)
        if not next(iter(heads.values())).is_parquet:
            return None
        return load_files(spark.read.format("parquet"), [spark_url(spark, path) for path in heads])
    if re.fullmatch(_TABLE, place) and spark.catalog.tableExists(place):
        return spark.table(place)
    raise InputDataError(f"{place}: there is no such file, folder or table: set {key} to another")


def _read_text(spark: SparkSession, place: str, given: Input, key: str) -> DataFrame:
    heads = _heads(spark, place, given.encoding or "utf-8", key)
    names = (re.split(r"[,;\t|]", head.line or "") for head in heads.values())
    file = _kind({plain(name) for line in names for name in line})
    missing = f"set {key} to a file with columns user_id and movie_id"
    layouts = lay_out(heads, file, FORMATS["movielens"], missing)
    return judge_pairs(read_rows(spark, Source(file, layouts)), file)


def _heads(spark: SparkSession, place: str, encoding: str, key: str) -> Mapping[str, Head]:
    """The beginnings of the file, or of the files of the folder, by path."""
    files = files_at(spark, place)
    listed = [stored.name for stored in files.list(place, recursive=True)]
    paths = [join(place, name) if name else place for name in readable(listed)]
    if not paths:
        raise InputDataError(f"{place}: the folder has no files: set {key} to another")
    return {path: head_of(files, path, encoding) for path in paths}


def _kind(names: set[str]) -> InputFile:
    """TIMED_PAIRS if moments are among the columns, which are given by their plain names."""
    return TIMED_PAIRS if plain("rated_at") in names else PAIRS
