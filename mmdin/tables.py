"""Delta tables under one root, each checked against its schema on write.

Only this module and mmdin.delta_files use Delta.
"""

import contextlib
import itertools
import json
import logging
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

# Importing them is what makes PySpark raise Delta's own exceptions.
from delta import exceptions as of_delta
from delta.tables import DeltaTable
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, DataFrameWriter, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.util import inheritable_thread_target

from mmdin.config import Config
from mmdin.connect import is_classic, require_classic
from mmdin.delta_files import list_plain_files, list_sizes
from mmdin.delta_log import DeltaLog
from mmdin.errors import TableError
from mmdin.java_classes import java_class
from mmdin.local_rows import local_rows
from mmdin.schemas import Table
from mmdin.storage import files_at, is_local, join, load_files, local_path, spark_url

log = logging.getLogger(__name__)

_CONFLICTS = (
    of_delta.ConcurrentAppendException,
    of_delta.ConcurrentDeleteDeleteException,
    of_delta.ConcurrentDeleteReadException,
    of_delta.ConcurrentTransactionException,
    of_delta.ConcurrentWriteException,
    of_delta.DeltaConcurrentModificationException,
    of_delta.MetadataChangedException,
    of_delta.ProtocolChangedException,
)
"""What Delta raises when two commits conflict; these exceptions have no common base class."""

_NO_CATALOG = ("CATALOG_NOT_FOUND", "REQUIRES_SINGLE_PART_NAMESPACE")
"""Conditions of Spark's errors about a name whose first part is no catalog."""

_EXISTS = "DELTA_PATH_EXISTS"
"""Condition of Delta's error about the first write of a table that is there by now."""

_ATTEMPTS = 10

_WRITERS = 4
"""Tables that are written at a time."""

_checked: set[tuple[str, int]] = set()
"""Places and versions of tables that this process has found to be this project's and whole: asking
again would cost requests to remote storage for each table that is read."""


@dataclass(frozen=True)
class DataFile:
    """An active Parquet file of a table.

    Attributes:
        url: its place.
        rows: its number of rows.
    """

    url: str
    rows: int


class _WrittenMeanwhileError(Exception):
    """Another job wrote a table between this one's look at it and its commit."""


class Tables:
    """The tables of one root.

    Args:
        spark: session that reads and writes them.
        root: folder or URL that holds tables/.
        source: root whose tables of scope shared are read; empty for this one.
        samples: name of the tables of scope samples, if there are several.
        database: of Spark's catalog, or catalog.schema, in which tables are registered when they
            are written; empty for none.
    """

    def __init__(
        self,
        spark: SparkSession,
        root: str,
        source: str = "",
        samples: str = "",
        database: str = "",
    ) -> None:
        if not is_classic(spark):
            import delta.connect  # noqa: F401  makes PySpark raise Delta's exceptions there too
        self.spark = spark
        self.root = root
        self.source = source
        self.samples = samples
        self.database = database

    @classmethod
    def of(cls, spark: SparkSession, config: Config) -> "Tables":
        """The tables of a configuration."""
        samples, database = config.samples.name, config.tables.database
        return cls(spark, config.root, config.input.tables, samples, database)

    def path(self, table: Table) -> str:
        """Path or URL: <root>/tables/<name>, with _<samples> behind the name for scope samples."""
        root = self.source if self._is_shared(table) else self.root
        suffix = f"_{self.samples}" if self.samples and table.scope == "samples" else ""
        return f"{root.rstrip('/')}/tables/{table.name}{suffix}"

    def label(self, table: Table) -> str:
        """The table's name, with that of its samples if one root holds several."""
        return self.path(table).rpartition("/")[2]

    def exists(self, table: Table) -> bool:
        """Whether the table has been written."""
        return self._log(table).newest is not None

    def version(self, table: Table) -> int:
        """The table's newest Delta version. Starts no Spark job.

        Raises:
            TableError: if there is no such table, or what is there cannot be read as one.
        """
        return self._require(table)

    def identity(self, table: Table) -> str:
        """What tells this content of the table from any other: its place, Delta's id, its version.

        A table that was deleted and written again has the same place and can have the same version,
        but another id. A table of which files are missing is marked as damaged. Starts no Spark
        job. It is `absent` if there is no such table.
        """
        log = self._log(table)
        if log.newest is None:
            return "absent"
        path = self.path(table)
        place = str(local_path(path).resolve()) if is_local(path) else path
        if log.lacks is not None:
            return f"{place} damaged"
        damaged = " damaged" if self._damage(table, log, log.newest) else ""
        if damaged:
            _checked.discard((path, log.newest))
        return f"{place} {self._metadata(table, log, log.newest)['id']} {log.newest}{damaged}"

    def delta_id(self, table: Table) -> str:
        """The id that Delta gave the table when it was created. Starts no Spark job.

        Raises:
            TableError: if there is no such table.
        """
        version = self._require(table)
        return str(self._metadata(table, self._log(table), version)["id"])

    def read(self, table: Table, version: int | None = None) -> DataFrame:
        """The table's rows, of the newest or of a pinned version.

        A query starts one Spark job, on the Parquet files that Delta Kernel finds in the log.
        Delta's own source starts up to four more, on the log; it reads what Parquet's cannot.

        Raises:
            TableError: if there is no such table, or what is there cannot be read as one; names the
                job that writes it.
        """
        if not is_classic(self.spark):
            return self.read_by_delta(table, version)
        self._require(table)
        location = self._location(table)
        with self._reading_log(table):
            files = list_plain_files(self.spark, location, table.columns, version)
        if files is None:
            return self.read_by_delta(table, version)
        if not files:
            return local_rows(self.spark, [], table.schema)
        reader = self.spark.read.format("parquet").schema(table.schema)
        rows = load_files(reader.option("basePath", location), files)
        return rows.select(*table.columns)  # Spark puts those of partitions last.

    def read_by_delta(self, table: Table, version: int | None = None) -> DataFrame:
        """The table's rows by Delta's own source, which reads the log when they are asked for.

        Raises:
            TableError: as `read`.
        """
        self._require(table)
        reader = self.spark.read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        with self._reading_log(table):
            return reader.load(self._location(table))

    def check_writable(self, table: Table) -> None:
        """Check that writing the table would not overwrite what this project did not write.

        Raises:
            TableError: if there is another table, or there are other files, in its place.
        """
        if self._is_shared(table):
            return
        path, log = self.path(table), self._log(table)
        if log.newest is None:
            # A first write that was stopped leaves the folder of the log.
            files = files_at(self.spark, path)
            shown = [f for f in files.list(path, recursive=True) if not f.name.startswith(".")]
            if shown and not files.exists(join(path, "_delta_log")):
                raise TableError(
                    f"{path} holds files that are no Delta table of this project, and table "
                    f"{table.name} would be written over them: set root to another folder, or "
                    "move them"
                )
        elif log.lacks is not None:
            raise TableError(self._advise(table, _describe_gap(log.lacks)))
        else:
            self._refuse_foreign(table, log, log.newest)

    def write(self, table: Table, rows: DataFrame, partition_by: str | None = None) -> None:
        """Replace the whole table, atomically.

        Raises:
            TableError: if columns do not fit, or another job writes the table at the same time: the
                user must decide which rows it is to hold.
        """
        try:
            self._save(table, rows, {"overwriteSchema": "true"}, partition_by)
        except _WrittenMeanwhileError as error:
            raise TableError(
                f"{self._describe(table)} was written by another job at the same time, whose rows "
                "it holds now: let that job end, and run this one again"
            ) from error
        self.register(table)

    def write_all(self, rows: Mapping[Table, DataFrame]) -> None:
        """Replace several tables, each atomically, and more than one at a time.

        A small table is mostly planned and committed, step after step.

        Raises:
            TableError: as `write`; the other tables are written all the same.
        """
        with ThreadPoolExecutor(_WRITERS) as writers:
            # Each with its own properties, to which Spark adds while it writes.
            written = [
                writers.submit(inheritable_thread_target(self.spark)(self.write), table, of_table)
                for table, of_table in rows.items()
            ]
            try:
                wait(written)
            except BaseException:  # Ctrl-C: what has not begun must not begin now.
                writers.shutdown(wait=False, cancel_futures=True)
                raise
        for one in written:
            one.result()

    def replace(self, table: Table, rows: DataFrame, where: str) -> None:
        """Replace the table's rows for which a condition holds, atomically.

        Creates the table if there is none. If other jobs write the table at the same time, their
        rows come first and this is done again.

        Args:
            table: to write.
            rows: new rows, all of which satisfy the condition.
            where: the condition, in SQL.

        Raises:
            TableError: if columns do not fit, or other jobs came first too often.
        """
        if self.exists(table):
            self._require(table)
        for attempt in itertools.count(1):
            try:
                self._save(table, rows, {"mergeSchema": "true", "replaceWhere": where})
                break
            except _WrittenMeanwhileError as error:
                if attempt == _ATTEMPTS:
                    raise TableError(
                        f"{self._describe(table)}: other jobs wrote it {attempt} times while this "
                        "one tried to: run it again when fewer do"
                    ) from error
        self.register(table)

    def register(self, table: Table) -> None:
        """Give a table of this root its name in the catalog's database, if one is configured.

        The catalog holds only the name and the place: dropping the name deletes no rows.

        Raises:
            TableError: if the name belongs to a table elsewhere, or there is no such catalog.
        """
        if not self.database or self._is_shared(table) or not self.exists(table):
            return
        require_classic(self.spark, "tables.database registers tables through a SparkContext")
        name = f"{self.database}.{self.label(table)}"
        if _place_in_catalog(self.spark, name) == _qualify(self.spark, self._location(table)):
            return  # As for every stage that is skipped: without a Spark job.
        place = str(self._detail(table)["location"])
        self._create_database()
        self.spark.sql(f"CREATE TABLE IF NOT EXISTS {name} USING delta LOCATION {_quote(place)}")
        # By SQL, which takes names with a catalog in front.
        registered = str(self.spark.sql(f"DESCRIBE DETAIL {name}").select("location").head()[0])  # type: ignore[index]
        if registered != place:
            raise TableError(
                f"{name} is the table at {registered} and not that at {place}: set tables.database "
                f"to another name for this root, or run DROP TABLE {name}, which deletes no rows"
            )

    def _create_database(self) -> None:
        try:
            self.spark.sql(f"CREATE DATABASE IF NOT EXISTS {self.database}")
        except AnalysisException as error:
            if error.getCondition() not in _NO_CATALOG:
                raise
            catalog = self.database.partition(".")[0]
            raise TableError(
                f"tables.database={self.database}: this session has no catalog {catalog}: "
                f"configure spark.sql.catalog.{catalog}, or set tables.database to a database alone"
            ) from None

    def files(self, table: Table, version: int, condition: str) -> list[DataFile]:
        """The active files of a version that hold rows under a condition on partitions.

        Raises:
            TableError: if the files hold more than the table (deletion vectors or column mapping),
                since a reader of plain Parquet would see rows that the table does not have.
        """
        self._refuse_more_than_plain_files(table)
        counted = (
            self.read(table, version)
            .where(condition)
            .groupBy(F.col("_metadata.file_path").alias("url"))
            .count()
        )
        # Sorting a few rows here saves two Spark jobs.
        return [DataFile(r["url"], r["count"]) for r in sorted(counted.collect())]

    def _is_shared(self, table: Table) -> bool:
        """Whether the table is another root's."""
        return bool(self.source) and table.scope == "shared"

    def _describe(self, table: Table) -> str:
        return f"table {table.name} at {self.path(table)}"

    def _location(self, table: Table) -> str:
        """The table's path as Spark takes it."""
        return spark_url(self.spark, self.path(table))

    def _log(self, table: Table) -> DeltaLog:
        # The history, and Delta's own check of whether there is a table, take a Spark job or some
        # hundred milliseconds; the names in the log take a few.
        path = self.path(table)
        return DeltaLog(files_at(self.spark, path), path)

    def _metadata(self, table: Table, log: DeltaLog, version: int) -> dict[str, Any]:
        """The table's id, schemaString and properties (`configuration`), as of a version."""
        metadata = log.metadata(version)
        if metadata:
            return metadata
        with self._reading_log(table):
            detail = self._detail(table)
            schema = self.spark.read.format("delta").load(self._location(table)).schema.json()
        return {
            "id": detail["id"],
            "schemaString": schema,
            "configuration": detail["properties"],
        }

    def _refuse_foreign(self, table: Table, log: DeltaLog, version: int) -> None:
        """Raise TableError unless a column has the comment with which this project writes it."""
        comments = {(f.name, f.metadata["comment"]) for f in table.schema}
        fields = json.loads(self._metadata(table, log, version)["schemaString"])["fields"]
        if not comments & {(f["name"], f["metadata"].get("comment")) for f in fields}:
            raise TableError(
                f"{self.path(table)} is a Delta table that this project did not write: its columns "
                f"are {', '.join(f['name'] for f in fields)}. Set "
                f"{'input.tables' if self._is_shared(table) else 'root'} to another folder, or "
                "move it"
            )

    def _damage(self, table: Table, log: DeltaLog, version: int) -> str:
        """What is missing of the files of a version; empty if nothing is."""
        path = self.path(table)
        sizes = log.data_files(version)
        if sizes is None and not is_classic(self.spark):
            return ""  # Spark itself reports what is missing.
        if sizes is None:
            with self._reading_log(table):
                newest = version == log.newest
                sizes = list_sizes(self.spark, self._location(table)) if newest else {}
        stored = files_at(self.spark, path).list(path, recursive=True) if sizes else []
        there = {file.name: file.size for file in stored}
        lost = sorted(name for name, size in sizes.items() if there.get(name, -1) < size)
        if not lost:
            return ""
        return f"{len(lost)} of its {len(sizes)} data files are missing or cut short: {lost[0]}"

    @contextlib.contextmanager
    def _reading_log(self, table: Table) -> Iterator[None]:
        """Raise what Delta says about files of the log as a TableError."""
        try:
            yield
        except Exception as error:  # Py4J's and PySpark's have no common class
            exception = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
            if exception is None:
                raise
            reason = str(exception.toString()).partition("\n")[0]
            damage = f"its log, _delta_log, cannot be read ({reason})"
            raise TableError(self._advise(table, damage)) from error

    def _advise(self, table: Table, damage: str) -> str:
        return (
            f"{self._describe(table)} is damaged: {damage}. Restore it, or delete its folder and "
            f"run {table.job} again"
        )

    def _detail(self, table: Table) -> Row:
        if is_classic(self.spark):
            described: DataFrame = self._delta(table).detail()
        else:
            # By SQL: Delta's class needs a plug-in that a server of Spark Connect need not have.
            place = self._location(table).replace("`", "``")
            described = self.spark.sql(f"DESCRIBE DETAIL delta.`{place}`")
        return described.collect()[0]

    def _delta(self, table: Table) -> DeltaTable:
        return DeltaTable.forPath(self.spark, self._location(table))

    def _require(self, table: Table) -> int:
        """The newest version, once it is known to be this project's and to have all its files."""
        log = self._log(table)
        version = log.newest
        if version is None:
            advice = f"run {table.job} first with the same configuration"
            if self._is_shared(table):
                advice = "input.tables must be the root of a pipeline that wrote it, or empty"
            raise TableError(f"there is no {self._describe(table)}; {advice}")
        if (self.path(table), version) not in _checked:
            if log.lacks is not None:
                raise TableError(self._advise(table, _describe_gap(log.lacks)))
            self._refuse_foreign(table, log, version)
            if damage := self._damage(table, log, version):
                raise TableError(self._advise(table, damage))
            _checked.add((self.path(table), version))
        return version

    def _save(
        self,
        table: Table,
        rows: DataFrame,
        replacing: Mapping[str, str],
        partition_by: str | None = None,
    ) -> None:
        """Write rows in place of those that the options say, or as a new table.

        Raises:
            _WrittenMeanwhileError: if another job wrote the table since this one looked.
        """
        writer = self._writer(table, rows)
        if partition_by:
            writer = writer.partitionBy(partition_by)
        if self.exists(table):
            writer = writer.mode("overwrite").options(**replacing)
        else:
            writer = writer.mode("error")  # Delta would look for rows to replace, in a Spark job.
        try:
            writer.save(self._location(table))
        except AnalysisException as error:
            if error.getCondition() != _EXISTS:
                raise
            raise _WrittenMeanwhileError from error
        except _CONFLICTS as error:
            raise _WrittenMeanwhileError from error

    def _writer(self, table: Table, rows: DataFrame) -> DataFrameWriter:
        if self._is_shared(table):
            raise TableError(
                f"table {table.name} is read from {self.source} (input.tables) and not written: "
                "leave input.tables empty to ingest here"
            )
        self.check_writable(table)
        fitted = conform(rows, table)
        # Statistics of every column took a tenth of the time of saving samples.
        return (
            fitted.write.format("delta")
            .option("delta.enableDeletionVectors", "false")
            .option("delta.dataSkippingStatsColumns", table.found_by)
        )

    def _refuse_more_than_plain_files(self, table: Table) -> None:
        version = self._require(table)
        properties = self._metadata(table, self._log(table), version).get("configuration") or {}
        for feature, harmless in (
            ("enableDeletionVectors", "false"),
            ("columnMapping.mode", "none"),
        ):
            value = properties.get(f"delta.{feature}", harmless)
            if value != harmless:
                raise TableError(
                    f"{self._describe(table)} has delta.{feature}={value}, so its files hold more "
                    f"than the table: write it again with {table.job}"
                )


def _place_in_catalog(spark: SparkSession, name: str) -> str | None:
    """Where the table that has this name is; None if none has it. Starts no Spark job."""
    in_session_catalog = name.removeprefix("spark_catalog.")
    if in_session_catalog.count(".") > 1:
        return None  # Of another catalog, which Spark's own does not know.
    state = spark._jsparkSession.sessionState()
    identifier = state.sqlParser().parseTableIdentifier(in_session_catalog)
    if not state.catalog().tableExists(identifier):
        return None
    location = state.catalog().getTableMetadata(identifier).location()
    return str(_hadoop_path(spark, location).toString())


def _qualify(spark: SparkSession, path: str) -> str:
    """The complete path of a folder, as that of a table in the catalog."""
    folder = _hadoop_path(spark, path)
    system = folder.getFileSystem(spark._jsc.hadoopConfiguration())
    return str(system.makeQualified(folder).toString())


def _hadoop_path(spark: SparkSession, path: Any) -> Any:
    return java_class(spark._jvm, "org.apache.hadoop.fs.Path")(path)


def _describe_gap(version: int) -> str:
    return f"its log, _delta_log, lacks version {version}"


def _quote(text: str) -> str:
    """Text as a literal in SQL."""
    escaped = text.replace("\\", r"\\").replace("'", r"\'")
    return f"'{escaped}'"


def conform(rows: DataFrame, table: Table) -> DataFrame:
    """Exactly the schema's columns, in its order, with its comments.

    Raises:
        TableError: listing columns that are missing, unexpected or of another type.
    """
    given = {f.name: f.dataType for f in rows.schema}
    expected = {f.name: f.dataType for f in table.schema}
    problems = [f"{c} is missing" for c in expected if c not in given]
    problems += [f"{c} is unexpected" for c in given if c not in expected]
    problems += [
        f"{c} is {given[c].simpleString()}, not {expected[c].simpleString()}"
        for c in expected
        if c in given and given[c] != expected[c]
    ]
    if problems:
        raise TableError(
            f"rows for table {table.name} do not fit its schema: {'; '.join(problems)}"
        )
    return rows.select(*(F.col(f.name).alias(f.name, metadata=f.metadata) for f in table.schema))
