"""Numbers as people and programs write them: 862, 862.0, .5, 4., +4, 4e0 and 9.6e+08; and times."""

from pyspark.sql import Column
from pyspark.sql import functions as F

_SHORT = "^-?[0-9]{1,18}$"
_NUMBER = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?$"
_DECIMAL_COMMA = "^[+-]?[0-9]*,[0-9]+$"
_ISO_DATE = r"^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[T ].*)?$"
_BLANKS = " \t\u00a0\u202f\ufeff"
_EXACT = "decimal(38,18)"
"""Has room for every int64, and fractions to tell whole numbers from others."""


def whole_number(text: Column) -> Column:
    """The whole number that a text is, as long; null if it is none, or is beyond int64."""
    # Nearly all are short: the rest is worked out for the others alone.
    short = F.when(text.rlike(_SHORT), text.try_cast("long"))
    bare = F.btrim(text, F.lit(_BLANKS))
    exact = F.when(bare.rlike(_NUMBER), bare.try_cast(_EXACT))
    long = exact.try_cast("long")
    return F.coalesce(short, F.when(long.cast(_EXACT) == exact, long))


def number(text: Column) -> Column:
    """The number that a text is, as double; null if it is none."""
    bare = F.btrim(text, F.lit(_BLANKS))
    as_written, trimmed = (F.when(t.rlike(_NUMBER), t.try_cast("double")) for t in (text, bare))
    return F.coalesce(as_written, trimmed)


def decimal_number(text: Column) -> Column:
    """The number that a text is, as double, also if its decimals follow a comma."""
    pointed = F.when(text.rlike(_DECIMAL_COMMA), F.translate(text, ",", "."))
    return F.coalesce(number(text), number(pointed))


def seconds(text: Column) -> Column:
    """The whole seconds since 1970, UTC, that a text is, as long; null if it is no time.

    It is a number of them, or a date and time of ISO 8601, with T or a blank between, which is UTC
    unless a zone follows. The session's time zone must be UTC.
    """
    bare = F.btrim(text, F.lit(_BLANKS))
    date = F.when(bare.rlike(_ISO_DATE), bare.try_cast("timestamp").cast("long"))
    return F.coalesce(whole_number(text), F.floor(number(text)).cast("long"), date)
