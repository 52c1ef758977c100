"""Which statements only read, by the plans that Spark's parser makes of them."""

import re
from typing import Any

from pyspark.sql import SparkSession

_LOGICAL = "org.apache.spark.sql.catalyst.plans.logical"

_QUERIES = {"select", "with", "from", "values", "table"}
"""First words of queries. WITH and FROM can also begin an INSERT."""

_READING = re.compile(
    r"(Describe|Show|Explain)\w*"
    r"|Set(Command|NamespaceCommand|CatalogAndNamespace|CatalogCommand)|ResetCommand"
    r"|CreateVariable|SetVariable|DropVariable|CacheTable(AsSelect)?|UncacheTable|CreateTempViewUsing"
)
"""Classes of commands that change at most this session."""

_CHANGING = re.compile(r"Insert\w*|ScriptTransformation|Compound\w*|\w*ExecuteImmediate\w*")
"""Classes of what changes tables or runs programs, and is neither a command nor a statement."""


def only_reads(spark: SparkSession, statement: str) -> bool:
    """Whether a statement changes no table, file or catalog.

    Raises:
        ParseException: if it is no SQL.
    """
    session: Any = spark
    plan = session._jsparkSession.sessionState().sqlParser().parsePlan(statement)
    name = _class_of(plan)
    if name == "CreateViewCommand":
        return bool(str(plan.viewType().toString()).endswith("TempView"))
    if _READING.fullmatch(name):
        return True
    return _begins_as_query(statement) and not _holds_change(session._jvm, plan)


def first_word(statement: str) -> str:
    """The statement's first word, in lower case, without comments and brackets before it."""
    without = re.sub(r"--[^\n]*|/\*.*?\*/", " ", statement, flags=re.DOTALL)
    words = re.findall(r"\w+", without)
    return words[0].lower() if words else ""


def _begins_as_query(statement: str) -> bool:
    return first_word(statement) in _QUERIES


def _holds_change(jvm: Any, plan: Any) -> bool:
    kinds = [jvm.java.lang.Class.forName(f"{_LOGICAL}.{k}") for k in ("Command", "ParsedStatement")]
    nodes = [plan]
    while nodes:
        node = nodes.pop()
        if _CHANGING.fullmatch(_class_of(node)) or any(kind.isInstance(node) for kind in kinds):
            return True
        children = node.children()
        nodes += [children.apply(n) for n in range(children.size())]
    return False


def _class_of(node: Any) -> str:
    return str(node.getClass().getSimpleName()).removesuffix("$")
