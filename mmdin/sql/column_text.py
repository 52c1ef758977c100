"""Columns of PySpark as text in SQL, so that SQL functions are made of the code of features."""

import re
from typing import Any

from pyspark.sql import Column

_TOKEN = re.compile(
    r"""
      '(?:[^'\\]|\\.)*'                                     # text in quotes stays
    | (?<![\w)`\]])(?P<operator>[-+*/%<>=!&|^~]+)\(         # +(a, b), as Spark writes a + b
    | (?<![\w.])(?P<double>[0-9]+\.[0-9]+(?:E-?[0-9]+)?)(?![\w.])
    """,
    re.VERBOSE,
)


def to_sql(column: Column) -> str:
    """Text that means the column, of names of columns, literals and Spark's own functions.

    Spark's text is made for messages: it writes operators as functions, and doubles as decimals.
    """
    of_jvm: Any = column
    return _TOKEN.sub(_as_parsed, of_jvm._jc.node().sql())


def _as_parsed(token: re.Match[str]) -> str:
    if operator := token["operator"]:
        return f"`{operator}`("
    return f"{token['double']}D" if token["double"] else token[0]
