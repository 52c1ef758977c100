"""Running SQL statements and printing their rows."""

import argparse
import readline  # noqa: F401  gives input() a history
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pyspark.errors import PySparkException
from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession

from mmdin.config import Config, load_config
from mmdin.errors import MmdinError, TableError
from mmdin.finished_runs import FinishedRun, find_run
from mmdin.interruption import Interruption
from mmdin.options import expand_home
from mmdin.schemas import TABLES, Table
from mmdin.session import open_session
from mmdin.sql.functions import SCORE, register_functions
from mmdin.sql.permission import first_word, only_reads
from mmdin.sql.statements import split
from mmdin.storage import files_at, is_local, local_path
from mmdin.tables import Tables
from mmdin.variants import plan_variants

_MOST_ROWS = 1_000_000
_RUN_INPUTS = "run_inputs"


@dataclass(frozen=True)
class Prompt:
    """Where statements run.

    Attributes:
        spark: session with a view of each table.
        root: of the tables.
        names: of the tables.
        limit: rows printed at most.
        may_write: whether statements may change tables.
        left_out: why tables that are there cannot be read, by their names.
    """

    spark: SparkSession
    root: str
    names: tuple[str, ...]
    limit: int = 100
    may_write: bool = False
    left_out: Mapping[str, str] = field(default_factory=dict)

    def run(self, statement: str) -> bool:
        """Run a statement and print its rows, or what is wrong with it.

        Returns:
            Whether it succeeded.
        """
        try:
            if not self.may_write and not only_reads(self.spark, statement):
                print(
                    f"sql: error: {first_word(statement).upper()} can change tables or files: if "
                    "that is what you want, give --write",
                    file=sys.stderr,
                )
                return False
            self._offer_functions(statement)
            self._show(statement)
        except Exception as error:
            print(f"sql: error: {self._explain(error)}", file=sys.stderr)
            return False
        return True

    def _offer_functions(self, statement: str) -> None:
        """Register mmdin_score when it is called: it takes a while."""
        if SCORE in statement.lower() and not self.spark.catalog.functionExists(SCORE):
            register_functions(self.spark, self.root)

    def _show(self, statement: str) -> None:
        rows = self.spark.sql(statement.strip())
        if not rows.columns:
            return
        shown = rows.limit(self.limit + 1).persist()
        count = shown.count()
        shown.limit(self.limit).show(self.limit, truncate=False)
        shown.unpersist()
        limited = f"the first {self.limit} rows; --limit shows more"
        print(f"{count} rows" if count <= self.limit else limited)

    def _explain(self, error: Exception) -> str:
        """The message of an error of Spark's or of the project's; raises any other."""
        if isinstance(error, MmdinError):
            return str(error)
        if not isinstance(error, PySparkException):
            return _reason(error)
        if error.getCondition() == "TABLE_OR_VIEW_NOT_FOUND":
            name = (error.getMessageParameters() or {}).get("relationName", "").strip("`")
            if reason := self.left_out.get(name.lower()):
                return f"table {name} cannot be read: {reason}"
            return explain_absent(name, self.root, self.names)
        return error.getMessage() or str(error)


def explain_absent(name: str, root: str, names: Iterable[str]) -> str:
    """What to do about a table that is not there."""
    for table in TABLES:
        if table.name == name.lower():
            return f"there is no table {name} in {root} yet: {table.job} writes it"
    return f"there is no table {name}; those of {root} are: {', '.join(names)}"


def query_tables(description: str) -> int:
    """Run the statements on the command line or standard input, or those typed at a prompt.

    Several given statements run up to the first mistake.

    Args:
        description: for --help.

    Returns:
        The exit status of the process: 2 for a mistake in the options or if there are no tables, 1
        if a given statement failed.
    """
    options = _parse(description)
    interruption = Interruption(ends_process=False)
    try:
        prompt = _open(options, interruption)
    except MmdinError as error:
        print(f"sql: error: {error}", file=sys.stderr)
        return 2
    try:
        if options.statement is None and sys.stdin.isatty():
            _answer(prompt, interruption)
            return 0
        return 0 if _run_all(prompt, options.statement) else 1
    finally:
        interruption.forget()


def _run_all(prompt: Prompt, text: str | None) -> bool:
    statements, last = split(sys.stdin.read() if text is None else text)
    return all(map(prompt.run, [*statements, *([last] if last else [])]))


def _parse(description: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="submit/sql.sh", description=description)
    statement = "SQL, several with ; between them; without it, standard input or a prompt"
    parser.add_argument("statement", nargs="?", help=statement)
    where = parser.add_mutually_exclusive_group()
    newest = "the one in build/ whose tables were written last"
    where.add_argument(
        "--root", type=expand_home, help=f"folder that holds tables/; by default {newest}"
    )
    where.add_argument("--conf", type=expand_home, help="configuration whose root to take")
    parser.add_argument(
        "--run", default="", help="run, variant or model: tables in the versions that it read"
    )
    parser.add_argument("--limit", type=_rows, default=100, help="rows printed at most (100)")
    parser.add_argument("--write", action="store_true", help="let statements change tables")
    return parser.parse_args()


def _rows(text: str) -> int:
    if not text.isdecimal() or not 1 <= len(text) <= 7 or not 1 <= int(text) <= _MOST_ROWS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {_MOST_ROWS:,}")
    return int(text)


def _open(options: argparse.Namespace, interruption: Interruption) -> Prompt:
    root = _find_root(options)
    spark = open_session("mmdin sql")
    interruption.listen(spark)
    _silence_sparks_errors(spark)
    run = find_run(spark, plan_variants(_bare_config(root)), options.run) if options.run else None
    names, left_out = name_tables(spark, root, run)
    return Prompt(spark, root, names, options.limit, options.write, left_out)


def _find_root(options: argparse.Namespace) -> str:
    if options.conf:
        root = load_config(options.conf).root
    else:
        root = options.root or newest_root(Path("build"))
    if is_local(root) and not local_path(root).is_dir():  # before a JVM starts
        raise TableError(f"there is no folder {root}")
    return root


def newest_root(folder: Path) -> str:
    """The root in a folder to whose tables something was written last.

    Raises:
        TableError: if there are no tables.
    """
    commits = [(c.stat().st_mtime, c) for c in folder.glob("*/tables/*/_delta_log/*.json")]
    if not commits:
        raise TableError(f"there are no tables in {folder}/: run make demo first, or give --root")
    root = max(commits)[1].parents[3]
    print(f"sql: tables of {root}", file=sys.stderr)
    return str(root)


def name_tables(
    spark: SparkSession, root: str, run: FinishedRun | None = None
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Make a view of each table of a root, and warn of those that cannot be read.

    Args:
        spark: the session.
        root: of the tables.
        run: whose samples, and the tables fitted with them, are shown in the versions that it read,
            with view run_inputs, which lists these. The newest of all tables if it is None.

    Returns:
        The names of the views; and of each table that is there and cannot be read, why.

    Raises:
        TableError: if there is no table that can be read.
    """
    if not files_at(spark, root).exists(root):
        raise TableError(f"there is no folder {root}")
    names, left_out = [], {}
    versions = run.table_versions if run else {}
    for table in TABLES:
        try:
            if _make_view(run.tables if run else Tables(spark, root), table, versions):
                names.append(table.name)
        except Exception as error:  # Py4J's and PySpark's have no common class
            left_out[table.name] = str(error) if isinstance(error, MmdinError) else _reason(error)
            print(
                f"sql: warning: without table {table.name}: {left_out[table.name]}",
                file=sys.stderr,
            )
    if not names:
        raise TableError(f"there are no tables in {root}/tables that can be read")
    if run:
        _list_inputs(spark, run)
        names.append(_RUN_INPUTS)
    return tuple(names), left_out


def _make_view(tables: Tables, table: Table, versions: Mapping[str, int]) -> bool:
    """Return whether there is such a table."""
    if not tables.exists(table):
        return False
    # Few of them are asked for.
    tables.read_by_delta(table, versions.get(table.name)).createOrReplaceTempView(table.name)
    return True


def _list_inputs(spark: SparkSession, run: FinishedRun) -> None:
    """Make view run_inputs: the tables that a run read, each with its version."""
    read = [table for table in TABLES if table.name in run.table_versions]
    rows = [
        (run.run_id, table.name, run.table_versions[table.name], run.tables.path(table))
        for table in read
    ]
    columns = "run_id string, name string, version long, path string"
    spark.createDataFrame(rows, columns).createOrReplaceTempView(_RUN_INPUTS)


def _bare_config(root: str) -> Config:
    return Config(name="sql", root=root)


def _reason(error: Exception) -> str:
    """What an exception of the JVM says first; raises any other."""
    origin = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    if origin is None:
        raise error
    return str(origin.toString()).partition("\n")[0]


def _silence_sparks_errors(spark: SparkSession) -> None:
    # Spark would print each error with its stack trace before we print its message.
    spark.sparkContext.setLogLevel("OFF")
    PySparkLogger.getLogger("SQLQueryContextLogger").disabled = True


def _answer(prompt: Prompt, interruption: Interruption) -> None:
    """Run statements as they are typed; Ctrl-C stops the one that runs."""
    print(
        f"Tables of {prompt.root}: {', '.join(prompt.names)}\n"
        "End a statement with ; and the prompt with Ctrl-D."
    )
    for statement in _typed_statements(interruption):
        try:
            prompt.run(statement)
        except KeyboardInterrupt:
            print("sql: stopped", file=sys.stderr)
        interruption.happened = False


def _typed_statements(interruption: Interruption) -> Iterator[str]:
    typed = ""
    while True:
        try:
            typed += input("   > " if typed else "sql> ") + "\n"
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            interruption.happened = False
            print()
            typed = ""
        if typed.strip().rstrip(";").lower() in ("exit", "quit"):
            return
        statements, typed = split(typed)
        yield from statements
