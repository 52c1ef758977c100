"""Checking rows: each is kept, or rejected with the first reason that applies."""

import functools
from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from mmdin.ingest.layouts import plain

UNDECODABLE = "not in the encoding of the file"
BROKEN_FIELD = "a quoted field does not end in its line"
WRONG_FIELDS = "wrong number of fields"
OTHER_HEADER = "a header whose columns are in another order"
HEADER_AGAIN = "the header again"


def not_whole_number(column: str) -> str:
    """Reason for rejecting a row whose column is not a whole number."""
    return f"{column} is not a whole number"


def not_number(column: str) -> str:
    """Reason for rejecting a row whose column is not a number."""
    return f"{column} is not a number"


def judge_fields(rows: DataFrame, columns: tuple[str, ...]) -> DataFrame:
    """Reject rows that are not text, have too few or too many fields, or are another header.

    Args:
        rows: as read by mmdin.ingest.delimited.read_rows.
        columns: of the file. The first holds numbers.
    """
    names = [plain(c) for c in columns]
    found = [F.regexp_replace(F.lower(_text(c)), "[^0-9a-z]", "") for c in columns]
    # Numbers sort before letters: that tells nearly all rows quickly.
    is_row = (_text(columns[0]) < "A") | ~found[0].isin(names)
    is_same = functools.reduce(Column.__and__, (f == n for f, n in zip(found, names, strict=True)))
    return judge(
        rows,
        {
            UNDECODABLE: F.col("decodable"),
            BROKEN_FIELD: F.col("well_formed") | ~_has_odd_quotes(),
            WRONG_FIELDS: F.col("well_formed"),
            # In the middle of a file, as when files were concatenated.
            OTHER_HEADER: is_row | is_same,
            HEADER_AGAIN: is_row,
        },
    )


def _has_odd_quotes() -> Column:
    line = F.col("line")
    # Hardly a line has a quote.
    return line.contains('"') & (F.length(F.regexp_replace(line, '[^"]', "")) % 2 == 1)


def _text(column: str) -> Column:
    return F.coalesce(F.col(column), F.lit(""))


def judge(rows: DataFrame, rules: Mapping[str, Column]) -> DataFrame:
    """Set the column reason of rows that break a rule, unless it is set already.

    Args:
        rows: any columns.
        rules: conditions by the reason for rejecting a row that does not meet them; null counts as
            not met.

    Returns:
        The rows with the reason of the first broken rule; null if none is.
    """
    broken = [
        F.when(~F.coalesce(rule, F.lit(False)), reason).alias(reason)
        for reason, rule in rules.items()
    ]
    earlier = [F.col("reason")] if "reason" in rows.columns else []
    return rows.withColumn("reason", F.coalesce(*earlier, *broken))


def kept(judged: DataFrame, *columns: str) -> DataFrame:
    """The given columns of the rows without a reason to reject them."""
    return judged.where(F.col("reason").isNull()).select(*columns)


def rejected(judged: DataFrame, file: str) -> DataFrame:
    """The rejected rows, in the columns of the table rejected_rows."""
    rows = judged.where(F.col("reason").isNotNull())
    return rows.select(F.lit(file).alias("file"), "line", "reason")
