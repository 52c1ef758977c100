"""Judging rows: each is kept, or set aside with the first reason that holds."""

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
    """The reason for a column that should hold a whole number and does not."""
    return f"{column} is not a whole number"


def not_number(column: str) -> str:
    """The reason for a column that should hold a number and does not."""
    return f"{column} is not a number"


def is_whole_number(column: str) -> Column:
    """Whether a string column holds a whole number of up to 18 digits; false where it is null."""
    return F.coalesce(F.col(column).rlike(_WHOLE_NUMBER), F.lit(False))


def is_number(column: str) -> Column:
    """Whether a string column holds a plain decimal number; false where it is null."""
    return F.coalesce(F.col(column).rlike(_NUMBER), F.lit(False))


def judge(rows: DataFrame, rules: Mapping[str, Column]) -> DataFrame:
    """Adds, or fills where null, the column reason: the first rule's that is not true.

    rules: what must be true, by the reason for which a row is set aside where it is not.
    """
    broken = [F.when(~rule, reason) for reason, rule in rules.items()]
    earlier = [F.col("reason")] if "reason" in rows.columns else []
    return rows.withColumn("reason", F.coalesce(*earlier, *broken))


def kept(judged: DataFrame, *columns: str) -> DataFrame:
    """The given columns of the rows without a reason to set them aside."""
    return judged.where(F.col("reason").isNull()).select(*columns)


def rejected(judged: DataFrame, file: str) -> DataFrame:
    """The rows set aside, in the columns of the table rejected_rows."""
    aside = judged.where(F.col("reason").isNotNull())
    return aside.select(F.lit(file).alias("file"), "line", "reason")


def check_counts(judged: DataFrame, read: int, file: str) -> None:
    """Log how many rows of a file were read, kept, and set aside for each reason.

    read: the rows that the file holds, counted apart. Raises InputDataError where no row is kept,
    and RuntimeError where a row got lost or doubled, that is where read is not kept + rejected.
    """
    counts = {r["reason"]: r["count"] for r in judged.groupBy("reason").count().collect()}
    kept_rows = counts.pop(None, 0)
    aside = sum(counts.values())
    log.info("%s: %d rows read = %d kept + %d rejected", file, read, kept_rows, aside)
    reasons = [f"{count} x {reason}" for reason, count in sorted(counts.items())]
    for reason in reasons:
        log.info("%s:   %s", file, reason)
    if read != kept_rows + aside:
        raise RuntimeError(f"{file}: {read} rows were read, but {kept_rows + aside} judged")
    if not kept_rows:
        why = f"none of its {read} rows can be used: {'; '.join(reasons)}"
        raise InputDataError(
            f"{file}: {why if read else 'has no rows'}. Nothing was written; mend the file, or set "
            "input.movielens to another folder"
        )
