"""Spark SQL over the tables of a root by their plain names, from the command line or a prompt."""

import argparse
import re
import readline  # noqa: F401  gives input() a history
import sys
from collections.abc import Iterator
from pathlib import Path

from pyspark.errors import PySparkException
from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession

from mmdin.config import load_config
from mmdin.errors import MmdinError, TableError
from mmdin.schemas import TABLES
from mmdin.session import open_session
from mmdin.storage import files_at
from mmdin.tables import Tables

_STATEMENT = re.compile(
    r"""((?:[^;'"`]|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`[^`]*`)*);""", re.DOTALL
)
"""Text up to a semicolon that is not part of a string or a quoted name."""


def query_tables(description: str) -> int:
    """Run the statements on the command line, up to the first mistake, or those typed at a prompt.

    Args:
        description: for --help.

    Returns:
        The exit status of the process.
    """
    options = _parse(description)
    try:
        root = options.root or (load_config(options.conf).root if options.conf else _newest_root())
        spark = open_session("mmdin sql")
        names = _name_tables(spark, root)
        _silence_sparks_errors(spark)
    except MmdinError as error:
        print(f"sql: error: {error}", file=sys.stderr)
        return 2
    if options.statement:
        statements, last = _split(options.statement)
        given = [*statements, *([last] if last.strip() else [])]
        return 0 if all(_run(spark, statement, options.limit) for statement in given) else 1
    print(
        f"Tables of {root}: {', '.join(names)}\nEnd a statement with ; and the prompt with Ctrl-D."
    )
    for statement in _typed_statements():
        _run(spark, statement, options.limit)
    return 0


def _parse(description: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="submit/sql.sh", description=description)
    statement = "SQL, several with ; between them; without it, a prompt opens"
    parser.add_argument("statement", nargs="?", help=statement)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--root", help="folder that holds tables/; by default the newest in build/")
    where.add_argument("--conf", help="configuration whose root to take")
    parser.add_argument("--limit", type=int, default=100, help="rows printed at most (100)")
    return parser.parse_args()


def _newest_root() -> str:
    folders = sorted(Path("build").glob("*/tables"), key=lambda p: p.stat().st_mtime)
    if not folders:
        raise TableError("there are no tables in build/: run make demo first, or give --root")
    print(f"sql: tables of {folders[-1].parent}", file=sys.stderr)
    return str(folders[-1].parent)


def _name_tables(spark: SparkSession, root: str) -> list[str]:
    if not files_at(spark, root).exists(root):
        raise TableError(f"there is no folder {root}")
    tables = Tables(spark, root)
    found = [table for table in TABLES if tables.exists(table)]
    if not found:
        raise TableError(f"there are no tables in {root}/tables")
    for table in found:
        tables.read(table).createOrReplaceTempView(table.name)
    return [table.name for table in found]


def _silence_sparks_errors(spark: SparkSession) -> None:
    # Spark would print each error with its stack trace before we print its message.
    spark.sparkContext.setLogLevel("OFF")
    PySparkLogger.getLogger("SQLQueryContextLogger").disabled = True


def _typed_statements() -> Iterator[str]:
    typed = ""
    while True:
        try:
            typed += input(("   > " if typed else "sql> ") if sys.stdin.isatty() else "") + "\n"
        except EOFError:
            if sys.stdin.isatty():
                print()
            return
        except KeyboardInterrupt:
            print()
            typed = ""
        if typed.strip().rstrip(";").lower() in ("exit", "quit"):
            return
        statements, rest = _split(typed)
        yield from statements
        typed = rest if rest.strip() else ""


def _split(text: str) -> tuple[list[str], str]:
    """The statements that end with a semicolon, and what follows the last of them."""
    statements = []
    while ended := _STATEMENT.match(text):
        text = text[ended.end() :]
        if ended[1].strip():
            statements.append(ended[1])
    return statements, text


def _run(spark: SparkSession, statement: str, limit: int) -> bool:
    try:
        rows = spark.sql(statement.strip())
        if not rows.columns:
            return True
        shown = rows.limit(limit + 1).persist()
        count = shown.count()
        shown.limit(limit).show(limit, truncate=False)
        shown.unpersist()
        print(f"{count} rows" if count <= limit else f"the first {limit} rows; --limit shows more")
    except PySparkException as error:
        print(f"sql: error: {error.getMessage() or error}", file=sys.stderr)
        return False
    return True
