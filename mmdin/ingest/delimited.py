"""Reading files without losing a line: fields by the header's names, with the line itself."""

import re

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as t

from mmdin.errors import InputDataError
from mmdin.ingest.encodings import read_lines
from mmdin.ingest.faults import translated_errors
from mmdin.ingest.formats import InputFile
from mmdin.ingest.layouts import Layout, find_columns
from mmdin.ingest.sources import Source
from mmdin.storage import load_files, spark_url

_MALFORMED = "_malformed"
_GENRES = "genres"
_DOUBLED = r'"[^"]*+(?:""[^"]*+)*+"'
_ESCAPED = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
"""Patterns of a quoted field."""


def read_rows(spark: SparkSession, source: Source) -> DataFrame:
    """The rows of all files of a source.

    Fields may be quoted, with quotes in them doubled or after a backslash, but must not hold line
    breaks. Lines end in LF or CRLF. Byte-order marks, empty lines and repetitions of the header (as
    in concatenated files) are skipped.

    Args:
        spark: the session.
        source: the files and their layouts. Must have files.

    Returns:
        line (the row as read), decodable (whether the encoding allows it), well_formed (whether it
        has as many fields as the header, each with an end) and the columns as strings, null if
        empty.
    """
    frames = [
        _read_group(spark, [spark_url(spark, path) for path in paths], layout, source.file)
        for layout, paths in source.groups()
    ]
    rows = frames[0]
    for other in frames[1:]:
        rows = rows.unionByName(other)
    return rows


def _read_group(
    spark: SparkSession, paths: list[str], layout: Layout, file: InputFile
) -> DataFrame:
    if layout.is_parquet:
        return _read_parquet(spark, paths, file)
    lines = _strip_marks(read_lines(spark, paths, layout.encoding))
    rows = lines.where((F.col("line") != layout.header) & (F.trim("line") != ""))
    split = _split_quoted(rows, layout) if layout.quoted else _split_plain(rows, layout)
    columns = dict(zip(file.columns, layout.positions, strict=False))
    values = {name: F.trim(_field(position)) for name, position in columns.items()}
    if layout.genre_flags:
        values[_GENRES] = _flagged_genres(layout)
    texts = (F.nullif(value, F.lit("")).alias(name) for name, value in values.items())
    return split.select("line", "decodable", "well_formed", *texts)


def _strip_marks(lines: DataFrame) -> DataFrame:
    # Spark skips the mark at the start of a file, but not if the file is compressed, nor in the
    # middle, as where files were concatenated.
    line = F.col("line")
    return lines.withColumn(
        "line", F.when(line.startswith("\ufeff"), F.ltrim(line, F.lit("\ufeff"))).otherwise(line)
    )


def _field(position: int) -> str:
    """A unique name for each field, because a header's names may not be valid in Spark."""
    return f"fields._{position}"


def _split_quoted(rows: DataFrame, layout: Layout) -> DataFrame:
    names = (*(f"_{position}" for position in range(layout.width)), _MALFORMED)
    schema = ", ".join(f"{name} string" for name in names)
    options = {"sep": layout.delimiter, "quote": '"', "columnNameOfCorruptRecord": _MALFORMED}
    doubled, escaped = (
        F.from_csv("line", schema, {**options, "escape": escape}) for escape in ('"', "\\")
    )
    has_escapes = _has_escapes(layout.delimiter)
    # Spark takes the end of the line for the end of a quoted field.
    is_unclosed = F.col("line").contains('"') & F.col("line").rlike(_unclosed(layout.delimiter))
    return rows.withColumn("fields", F.when(has_escapes, escaped).otherwise(doubled)).withColumn(
        "well_formed", F.col(f"fields.{_MALFORMED}").isNull() & ~(is_unclosed & ~has_escapes)
    )


def _has_escapes(delimiter: str) -> Column:
    r"""Whether quotes in the line's quoted fields are written \" and not "".

    A line is taken so if it makes sense only so, or if it has a quoted field with \\, as Spark
    writes a backslash. That costs little: hardly a line has both a quote and a backslash.
    """
    line = F.col("line")
    both = line.contains("\\") & line.contains('"')
    only_so = ~line.rlike(_lines_of(_DOUBLED, delimiter)) | line.contains("\\\\")
    return both & only_so & line.rlike(_lines_of(_ESCAPED, delimiter))


def _unclosed(delimiter: str) -> str:
    """Pattern of the end of a line that ends within a quoted field."""
    return rf'(?:^|{re.escape(delimiter)})"[^"]*+(?:""[^"]*+)*+$'


def _lines_of(quoted: str, delimiter: str) -> str:
    """Pattern of a line whose fields are quoted, or without a quote and delimiter."""
    separator = re.escape(delimiter)
    field = rf'(?:{quoted}|[^"{separator}]*+)'
    # Possessive, or Java's matcher takes a frame of its stack for each repetition.
    return f"^{field}(?:{separator}{field})*+$"


def _split_plain(rows: DataFrame, layout: Layout) -> DataFrame:
    parts = F.split("line", re.escape(layout.delimiter), -1)
    named = (F.get("parts", F.lit(p)).alias(f"_{p}") for p in range(layout.width))
    return (
        rows.withColumn("parts", parts)
        .withColumn("well_formed", F.size("parts") == layout.width)
        .withColumn("fields", F.struct(*named))
    )


def _flagged_genres(layout: Layout) -> Column:
    return F.concat_ws(
        "|", *(F.when(F.trim(_field(p)) == "1", genre) for p, genre in layout.genre_flags)
    )


def _read_parquet(spark: SparkSession, paths: list[str], file: InputFile) -> DataFrame:
    with translated_errors(f"{file.stem} in Parquet"):
        stored = load_files(spark.read.format("parquet").option("mergeSchema", "true"), paths)
    return read_stored(stored, file, f"{file.stem} in Parquet")


def read_stored(stored: DataFrame, file: InputFile, place: str) -> DataFrame:
    """Rows of Parquet files or of a table as read_rows gives those of text files.

    Args:
        stored: the rows.
        file: whose columns to take, found by their names.
        place: where the rows are, for messages.

    Raises:
        InputDataError: if a column is missing, there twice, or of a type that is no text or number.
    """
    positions = find_columns(stored.columns, file.columns, place)
    fields = [stored.schema.fields[position] for position in positions]
    values = [
        _as_text(F.col(_quoted(field.name)), field.dataType).alias(name)
        for field, name in zip(fields, file.columns, strict=True)
    ]
    rows = stored.select(*values)
    line = F.concat_ws(",", *(F.coalesce(F.col(c), F.lit("")) for c in file.columns))
    return rows.select(
        line.alias("line"),
        F.lit(True).alias("decodable"),
        F.lit(True).alias("well_formed"),
        *file.columns,
    )


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"


def _as_text(value: Column, kind: t.DataType) -> Column:
    """What a text file would hold."""
    if isinstance(kind, t.ArrayType):
        return F.concat_ws("|", value.cast("array<string>"))
    if isinstance(kind, t.DateType | t.TimestampType | t.TimestampNTZType):
        return value.cast("timestamp").cast("long").cast("string")
    if isinstance(kind, t.StructType | t.MapType | t.BinaryType):
        raise InputDataError(f"a column is of type {kind.simpleString()} and not text or a number")
    return value.cast("string")
