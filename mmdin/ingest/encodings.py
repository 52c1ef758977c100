"""Text in an encoding other than UTF-8, and lines that their encoding does not allow."""

import bz2
import codecs
import contextlib
import gzip
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from mmdin.errors import InputDataError
from mmdin.ingest.layouts import Layout
from mmdin.storage import Files, load_files

_CHUNK = 1 << 20
_JAVA_NAMES = {
    "utf-16-le": "UTF-16LE",
    "utf-16-be": "UTF-16BE",
    "mac-roman": "x-MacRoman",
    "mac-cyrillic": "x-MacCyrillic",
    "cp932": "windows-31j",
    "cp949": "x-windows-949",
}
"""Encodings that Java has, but not by Python's name."""

_JAVA_CHARSETS = "spark.sql.legacy.javaCharsets"


def is_utf8(encoding: str) -> bool:
    """Whether text needs no decoding: Spark's strings are UTF-8."""
    return codecs.lookup(encoding).name in ("utf-8", "ascii")


def read_lines(spark: SparkSession, paths: list[str], encoding: str) -> DataFrame:
    """The lines of text files as column line, and decodable: whether the encoding allows the line.

    Lines end in LF or CRLF. A query raises Spark's error of kind MALFORMED_CHARACTER_CODING for a
    line that is not decodable in an encoding other than UTF-8.

    Args:
        spark: the session.
        paths: of the files, as of mmdin.storage.spark_url.
        encoding: one of Python's.

    Raises:
        InputDataError: if Java does not have the encoding.
    """
    if is_utf8(encoding):
        lines = load_files(spark.read.format("text"), paths).withColumnRenamed("value", "line")
        return lines.withColumn("decodable", F.is_valid_utf8("line"))
    name = _JAVA_NAMES.get(encoding, encoding)
    jvm: Any = spark.sparkContext._jvm
    if not jvm.java.nio.charset.Charset.isSupported(name):
        raise InputDataError(
            f"Java has no encoding {encoding}: convert the files to UTF-8, as by iconv, and leave "
            "input.encoding empty"
        )
    # Spark would end lines at the byte of a line feed, which is half of UTF-16's.
    lines = load_files(spark.read.format("text").options(encoding=name, lineSep="\n"), paths)
    with _all_charsets(spark):
        lines = lines.select(_decode(F.col("value"), name).alias("line"))
    ended = F.rtrim(F.col("line"), F.lit("\r")).alias("line")
    return lines.select(ended, F.lit(True).alias("decodable"))


def describe_undecodable(files: Files, layouts: Iterable[Mapping[str, Layout]]) -> str:
    """A message about the first line that is not in its file's encoding.

    Args:
        files: back end of the files.
        layouts: of files, by path or URL.
    """
    for path, layout in (item for group in layouts for item in group.items()):
        line = None if layout.is_parquet else find_undecodable_line(files, path, layout.encoding)
        if line is not None:
            others = "latin-1, cp1252 or utf-16" if is_utf8(layout.encoding) else "utf-8"
            return (
                f"{path}: line {line} is not {layout.encoding} text. Nothing was written; set "
                f"input.encoding to the file's encoding, such as {others}, or convert the file"
            )
    return "a line is not in the encoding of its file. Nothing was written; set input.encoding"


def find_undecodable_line(files: Files, path: str, encoding: str) -> int | None:
    """Number, from 1, of a text file's first line that its encoding does not allow.

    None if all are allowed.
    """
    with files.reading(path) as local, _open(local) as stream:
        decoder = codecs.getincrementaldecoder(encoding)()
        line = 1
        while True:
            chunk = stream.read(_CHUNK)
            try:
                line += decoder.decode(chunk, final=not chunk).count("\n")
            except UnicodeDecodeError as error:
                return line + error.object[: error.start].decode(encoding).count("\n")
            if not chunk:
                return None


def _decode(content: Column, name: str) -> Column:
    return F.decode(content.cast("binary"), name)


@contextlib.contextmanager
def _all_charsets(spark: SparkSession) -> Iterator[None]:
    """Let decode take each of Java's encodings, not eight of them alone, in what is built here."""
    before = spark.conf.get(_JAVA_CHARSETS, "false") or "false"
    spark.conf.set(_JAVA_CHARSETS, "true")
    try:
        yield
    finally:
        spark.conf.set(_JAVA_CHARSETS, before)


def _open(path: Path) -> IO[bytes] | gzip.GzipFile | bz2.BZ2File:
    if path.suffix == ".gz":
        return gzip.open(path)
    return bz2.open(path) if path.suffix == ".bz2" else path.open("rb")
