"""Checking rows: each is kept, or rejected with the first reason that applies."""

import logging
from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from mmdin.errors import InputDataError

log = logging.getLogger(__name__)

WRONG_FIELDS = "wrong number of fields"

_WHOLE_NUMBER = "^-?[0-9]{1,18}$"
_NUMBER = r"^-?[0-9]{1,18}(\.[0-9]{1,18})?$"


def not_whole_number(column: str) -> str:
    """Reason for rejecting a row whose column is not a whole number."""
    return f"{column} is not a whole number"


def not_number(column: str) -> str:
    """Reason for rejecting a row whose column is not a number."""
    return f"{column} is not a number"


def is_whole_number(column: str) -> Column:
    """Whether a string column holds a whole number of up to 18 digits; false if it is null."""
    return F.coalesce(F.col(column).rlike(_WHOLE_NUMBER), F.lit(False))


def is_number(column: str) -> Column:
    """Whether a string column holds a plain decimal number; false if it is null."""
    return F.coalesce(F.col(column).rlike(_NUMBER), F.lit(False))


def judge(rows: DataFrame, rules: Mapping[str, Column]) -> DataFrame:
    """Set the column reason of rows that break a rule, unless it is set already.

    Args:
        rows: any columns.
        rules: conditions by the reason for rejecting a row that does not meet them.

    Returns:
        The rows with the reason of the first broken rule; null if none is.
    """
    broken = [F.when(~rule, reason) for reason, rule in rules.items()]
    earlier = [F.col("reason")] if "reason" in rows.columns else []
    return rows.withColumn("reason", F.coalesce(*earlier, *broken))


def kept(judged: DataFrame, *columns: str) -> DataFrame:
    """The given columns of the rows without a reason to reject them."""
    return judged.where(F.col("reason").isNull()).select(*columns)


def rejected(judged: DataFrame, file: str) -> DataFrame:
    """The rejected rows, in the columns of the table rejected_rows."""
    rows = judged.where(F.col("reason").isNotNull())
    return rows.select(F.lit(file).alias("file"), "line", "reason")


def check_counts(judged: DataFrame, read: int, file: str) -> None:
    """Log how many rows of a file were read, kept, and rejected for each reason.

    Args:
        judged: the file's rows with their reasons.
        read: number of rows in the file, counted separately.
        file: its name.

    Raises:
        InputDataError: if no row is kept.
        RuntimeError: if a row was lost or duplicated, that is if read is not kept + rejected.
    """
    counts = {r["reason"]: r["count"] for r in judged.groupBy("reason").count().collect()}
    kept_rows = counts.pop(None, 0)
    rejected_rows = sum(counts.values())
    log.info("%s: %d rows read = %d kept + %d rejected", file, read, kept_rows, rejected_rows)
    reasons = [f"{count} x {reason}" for reason, count in sorted(counts.items())]
    for reason in reasons:
        log.info("%s:   %s", file, reason)
    if read != kept_rows + rejected_rows:
        raise RuntimeError(f"{file}: {read} rows were read, but {kept_rows + rejected_rows} judged")
    if not kept_rows:
        why = f"none of its {read} rows can be used: {'; '.join(reasons)}"
        raise InputDataError(
            f"{file}: {why if read else 'has no rows'}. Nothing was written; correct the file, or "
            "set input.movielens to another folder"
        )
