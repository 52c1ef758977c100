"""Reading CSV files without losing a line: fields by the header's names, with the line itself."""

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from mmdin.errors import InputDataError

_MALFORMED = "_malformed"
_HOW_TO_SET = (
    "set input.movielens to a folder that holds MovieLens' ratings.csv, movies.csv and links.csv"
)


def read_csv(spark: SparkSession, folder: str, file: str, columns: tuple[str, ...]) -> DataFrame:
    """The rows of a CSV file whose header has at least the given columns, in any order.

    Fields may be quoted, with quotes in them doubled, but must not hold line breaks. Lines end in
    LF or CRLF. A byte-order mark, empty lines and repetitions of the header (as in concatenated
    files) are skipped.

    Args:
        spark: the session.
        folder: of the file.
        file: its name.
        columns: names in the header.

    Returns:
        line (the row as read), well_formed (whether it has as many fields as the header) and the
        columns as strings, null if empty.

    Raises:
        InputDataError: before any row is read, if the folder is not given, the file is missing or
            empty, or the header lacks a column or has one twice.
    """
    lines = _read_lines(spark, folder, file)
    # Spark skips the mark at the start of a file, but not if the file is compressed.
    header = _first_line(lines, f"{folder}/{file}")
    names = [name.strip() for name in header.removeprefix("\ufeff").split(",")]
    _check_header(names, columns, f"{folder}/{file}")
    schema = ", ".join(f"{field} string" for field in (*_fields(names), _MALFORMED))
    options = {"quote": '"', "escape": '"', "columnNameOfCorruptRecord": _MALFORMED}
    return (
        lines.where((F.col("line") != header) & (F.trim("line") != ""))
        .withColumn("fields", F.from_csv("line", schema, options))
        .select(
            "line",
            F.col(f"fields.{_MALFORMED}").isNull().alias("well_formed"),
            *(F.trim(f"fields.{_fields(names)[names.index(c)]}").alias(c) for c in columns),
        )
    )


def _fields(names: list[str]) -> list[str]:
    """A unique name for each column, because a header's names may not be valid in Spark."""
    return [f"_{position}" for position in range(len(names))]


def _read_lines(spark: SparkSession, folder: str, file: str) -> DataFrame:
    if not folder:
        raise InputDataError(
            "no folder of MovieLens' files is given: add --set input.movielens=DIR, a folder that "
            "holds ratings.csv, movies.csv and links.csv"
        )
    try:
        return spark.read.text(f"{folder}/{file}").withColumnRenamed("value", "line")
    except AnalysisException as error:
        if error.getCondition() != "PATH_NOT_FOUND":
            raise
        raise InputDataError(f"{folder}/{file}: there is no such file; {_HOW_TO_SET}") from None


def _first_line(lines: DataFrame, path: str) -> str:
    first = lines.head()
    if first is None:
        raise InputDataError(f"{path}: the file is empty; {_HOW_TO_SET}")
    return str(first["line"])


def _check_header(names: list[str], columns: tuple[str, ...], path: str) -> None:
    wrong = [f"no column {c}" for c in columns if c not in names]
    wrong += [f"column {c} twice" for c in columns if names.count(c) > 1]
    if wrong:
        raise InputDataError(
            f"{path}: the header has {', '.join(wrong)}; its columns are {', '.join(names)}. "
            f"The first line must name {', '.join(columns)}"
        )
