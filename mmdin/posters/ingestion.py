"""From a folder of image files to the tables posters and poster_features.

posters has a row per file, usable or not. Each image is decoded once, for both tables.
"""

import functools
import logging
import re
from pathlib import Path
from urllib.parse import unquote

from pyspark import StorageLevel
from pyspark.errors import AnalysisException, IllegalArgumentException
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from mmdin import inputs
from mmdin.config import Config, Posters
from mmdin.errors import InputDataError
from mmdin.local_rows import local_rows
from mmdin.posters import images
from mmdin.posters.extraction import examine_files
from mmdin.posters.local_files import (
    UNREADABLE,
    LocalFile,
    list_local_files,
    local_files_in_tasks,
    read_local_files,
)
from mmdin.posters.task_sizes import tasks_sized_for_images
from mmdin.schemas import POSTER_FEATURES, POSTERS
from mmdin.storage import is_on_local_disk, load_files, local_path, spark_url
from mmdin.storage.errors import translated_errors
from mmdin.tables import Tables

log = logging.getLogger(__name__)

TOO_LARGE = "more bytes than posters.max_bytes"
MISNAMED = "file name is not a movie id"
SECOND_FILE = "second file of the same movie"

_FILE_NAME = r"^([0-9]{1,18})(\.[^.]*)?$"
_HOW_TO_SET = (
    "set input.posters to a folder of images named by movie id, such as 1.jpg, or to nothing, with "
    "samples.with_posters_only=false, to do without"
)


def write_posters(tables: Tables, config: Config) -> None:
    """Write posters and poster_features from input.posters, and log the number of each status.

    Without a folder the tables are empty, if samples need no posters.

    Raises:
        InputDataError: if the folder is needed and not given, is missing or empty, or holds no
            usable image; then nothing is written.
    """
    folder = config.input.posters
    if not folder and not config.samples.with_posters_only:
        log.info("posters: none, since input.posters is empty")
        for table in (POSTERS, POSTER_FEATURES):
            tables.write(table, local_rows(tables.spark, [], table.schema))
        return
    with tasks_sized_for_images(tables.spark):
        examined = examine_folder(tables.spark, folder, config.posters)
        probed = probe_images(examined, config.posters.max_bytes).persist(StorageLevel.DISK_ONLY)
        # Only the table posters is written with the bytes, which take long to read each time.
        described = probed.drop("bytes").persist()
        try:
            second = find_second_files(described)
            posters = reject_second_files(described, second)
            _check_statuses(posters, folder)
            with_bytes = reject_second_files(probed, second)
            tables.write(POSTERS, with_bytes.select(*POSTERS.columns))
            tables.write(POSTER_FEATURES, features_of(posters))
        finally:
            described.unpersist()
            probed.unpersist()


def examine_folder(spark: SparkSession, folder: str, limits: Posters) -> DataFrame:
    """The files in a folder and its subfolders, without hidden ones (names starting with . or _).

    Args:
        spark: the session.
        folder: path or URL.
        limits: on what is read and decoded.

    Returns:
        path (binary), file (its last part), length, content (null if it was not read) and found,
        a struct of what mmdin.posters.extraction.examine_image finds.

    Raises:
        InputDataError: if the folder is not given, is missing or holds no file.
        StorageError: if a folder cannot be read.
    """
    if not folder:
        raise InputDataError(f"no folder of posters is given: {_HOW_TO_SET}")
    if is_on_local_disk(spark, folder):
        files = _list_local_folder(local_path(folder))
        listed = local_files_in_tasks(spark, files, limits.max_bytes)
        read = functools.partial(read_local_files, max_bytes=limits.max_bytes)
        return examine_files(listed, limits.max_pixels, read)
    contents = read_remote_files(list_remote_files(spark, folder), limits.max_bytes)
    return examine_files(contents, limits.max_pixels)


def _list_local_folder(folder: Path) -> list[LocalFile]:
    if not folder.is_dir():
        raise InputDataError(f"{folder}: there is no such folder; {_HOW_TO_SET}")
    with translated_errors(str(folder), inner=True):
        files = list_local_files(folder)
    if not files:
        raise InputDataError(f"{folder}: the folder holds no file; {_HOW_TO_SET}")
    return files


def list_remote_files(spark: SparkSession, folder: str) -> DataFrame:
    """The files in a folder, by Hadoop.

    Returns:
        The columns of Spark's binaryFile source: path, modificationTime, length and content.

    Raises:
        InputDataError: if the folder is missing or holds no file, or a name is none for Hadoop.
    """
    reader = spark.read.format("binaryFile").option("recursiveFileLookup", "true")
    try:
        files = load_files(reader, [spark_url(spark, folder)])
    except AnalysisException as error:
        if error.getCondition() != "PATH_NOT_FOUND":
            raise
        raise InputDataError(f"{folder}: there is no such folder; {_HOW_TO_SET}") from None
    except IllegalArgumentException as error:
        raise InputDataError(
            f"{folder}: Hadoop cannot read a file because of its name: {error}; rename it"
        ) from None
    if not files.inputFiles():
        raise InputDataError(f"{folder}: the folder holds no file; {_HOW_TO_SET}")
    return files


def read_remote_files(files: DataFrame, max_bytes: int) -> DataFrame:
    """The content of image files, by Spark.

    Files that are too large are not read: Spark does not open files that a filter on the length
    excludes, nor files whose content is not selected.

    Args:
        files: from `list_remote_files`.
        max_bytes: limit on a file's size.

    Returns:
        path (binary), file, length, and content, null if there are more than max_bytes.
    """
    small = files.where(F.col("length") <= max_bytes).select("path", "length", "content")
    large = files.where(F.col("length") > max_bytes).select(
        "path", "length", F.lit(None).cast("binary").alias("content")
    )
    empty = list_empty_files(files).select(
        "path", F.lit(0).cast("long").alias("length"), F.lit(b"").alias("content")
    )
    # Listing is little work: one task each is enough.
    return (
        small.unionByName(large.coalesce(1))
        .unionByName(empty.coalesce(1))
        .select(
            F.col("path").cast("binary"),
            F.element_at(F.split("path", "/"), -1).alias("file"),
            "length",
            "content",
        )
    )


def list_empty_files(files: DataFrame) -> DataFrame:
    """Column path of the empty files, which Spark lists but returns no rows for."""
    # The list has URLs such as file:///a%20b, the rows have paths such as file:/a b.
    listed = [(re.sub("^file:/+", "file:/", unquote(url)),) for url in files.inputFiles()]
    paths = local_rows(files.sparkSession, listed, StructType().add("path", "string"))
    return paths.join(files.select("path"), on="path", how="left_anti")


def probe_images(examined: DataFrame, max_bytes: int) -> DataFrame:
    """Read the movie's id from each file's name, say whether the file can be used, add sha256.

    Args:
        examined: from `examine_folder`.
        max_bytes: larger files have not been read.

    Returns:
        The columns of table posters and the poster features, with path, and without the judgement
        about second files of a movie.
    """
    unread = F.when(F.col("length") > max_bytes, TOO_LARGE).otherwise(UNREADABLE)
    status = (
        F.when(F.col("movie_id").isNull(), MISNAMED)
        .when(F.col("content").isNull(), unread)
        .otherwise(F.col("found.status"))
    )
    movie_id = F.regexp_extract("file", _FILE_NAME, 1).try_cast("long")
    return examined.withColumn("movie_id", movie_id).select(
        "path",
        "movie_id",
        "file",
        status.alias("status"),
        "found.format",
        "found.width",
        "found.height",
        F.sha2("content", 256).alias("sha256"),
        F.col("content").alias("bytes"),
        *(f"found.{feature}" for feature in inputs.POSTER_FEATURES),
    )


def find_second_files(probed: DataFrame) -> DataFrame:
    """The usable files of a movie but for the one whose path sorts first: path and second."""
    by_path = Window.partitionBy("movie_id").orderBy("path")
    # Ranked without their bytes, so that no images are sent between executors.
    usable = probed.where(F.col("status") == images.OK).select("movie_id", "path")
    return (
        usable.withColumn("rank", F.row_number().over(by_path))
        .where(F.col("rank") > 1)
        .select("path", F.lit(SECOND_FILE).alias("second"))
    )


def reject_second_files(probed: DataFrame, second: DataFrame) -> DataFrame:
    """Keep one usable file per movie. Drops path.

    Args:
        probed: from `probe_images`, with or without bytes.
        second: from `find_second_files`.
    """
    return (
        probed.join(F.broadcast(second), on="path", how="left")
        .withColumn("status", F.coalesce("second", "status"))
        .drop("path", "second")
    )


def features_of(posters: DataFrame) -> DataFrame:
    """The columns of table poster_features of posters that can be used."""
    return posters.where(F.col("status") == images.OK).select(*POSTER_FEATURES.columns)


def _check_statuses(posters: DataFrame, folder: str) -> None:
    counts = {r["status"]: r["count"] for r in posters.groupBy("status").count().collect()}
    usable = counts.pop(images.OK, 0)
    log.info(
        "posters: %d files read = %d ok + %d not ok",
        usable + sum(counts.values()),
        usable,
        sum(counts.values()),
    )
    reasons = [f"{count} x {status}" for status, count in sorted(counts.items())]
    for reason in reasons:
        log.info("posters:   %s", reason)
    if not usable:
        raise InputDataError(
            f"{folder}: none of the files is a usable poster ({'; '.join(reasons)}); {_HOW_TO_SET}"
        )
