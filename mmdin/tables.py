"""Delta tables under one root, each checked against its schema on write.

Only this module and mmdin.delta_files use Delta.
"""

import itertools
import json
import logging
import re
from dataclasses import dataclass
from typing import Any

# Importing it is what makes PySpark raise Delta's own exceptions.
from delta.exceptions import captured
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from mmdin.config import Config
from mmdin.delta_files import list_plain_files
from mmdin.errors import TableError
from mmdin.schemas import Table
from mmdin.storage import files_at, is_local, join, local_path

log = logging.getLogger(__name__)

_CONFLICTS = (
    captured.ConcurrentAppendException,
    captured.ConcurrentDeleteDeleteException,
    captured.ConcurrentDeleteReadException,
    captured.ConcurrentTransactionException,
    captured.ConcurrentWriteException,
    captured.DeltaConcurrentModificationException,
    captured.MetadataChangedException,
    captured.ProtocolChangedException,
)
"""What Delta raises when two commits conflict; these exceptions have no common base class."""

_COMMIT_OR_CHECKPOINT = re.compile(r"(\d{20})\.(json|checkpoint(\..+)?\.(parquet|json))")
"""Names of the files in Delta's log by which a version is known: old commits are cleaned up, and
then a checkpoint alone tells of theirs (Delta protocol, "Delta log entries" and "checkpoints")."""

_ATTEMPTS = 10

_GLOB_CHARACTERS = re.compile(r"[\\{}\[\]*?]")
"""Characters that mean something else in the paths that Spark's Parquet source takes."""


@dataclass(frozen=True)
class DataFile:
    """An active Parquet file of a table.

    Attributes:
        url: its place.
        rows: its number of rows.
    """

    url: str
    rows: int


class Tables:
    """The tables of one root.

    Args:
        spark: session that reads and writes them.
        root: folder or URL that holds tables/.
        source: root whose tables of scope shared are read; empty for this one.
        samples: name of the tables of scope samples, if there are several.
        database: of Spark's catalog, in which tables are registered when they are written; empty
            for none.
    """

    def __init__(
        self,
        spark: SparkSession,
        root: str,
        source: str = "",
        samples: str = "",
        database: str = "",
    ) -> None:
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
        return self._newest_version(table) is not None

    def version(self, table: Table) -> int:
        """The table's newest Delta version. Starts no Spark job.

        Raises:
            TableError: if there is no such table.
        """
        return self._require(table)

    def identity(self, table: Table) -> str:
        """What tells this content of the table from any other: its place, Delta's id, its version.

        A table that was deleted and written again has the same place and can have the same version,
        but another id. Starts no Spark job. It is `absent` if there is no such table.
        """
        version = self._newest_version(table)
        if version is None:
            return "absent"
        path = self.path(table)
        place = str(local_path(path).resolve()) if is_local(path) else path
        return f"{place} {self.delta_id(table)} {version}"

    def delta_id(self, table: Table) -> str:
        """The id that Delta gave the table when it was created. Starts no Spark job.

        Raises:
            TableError: if there is no such table.
        """
        return str(self._metadata(table, self._require(table))["id"])

    def read(self, table: Table, version: int | None = None) -> DataFrame:
        """The table's rows, of the newest or of a pinned version.

        Raises:
            TableError: if there is no such table; names the job that writes it.
        """
        self._require(table)
        reader = self.spark.read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        return reader.load(self.path(table))

    def read_small(self, table: Table) -> DataFrame:
        """The newest rows of a table of few files, without Delta's Spark jobs on its log.

        A query of them starts one Spark job. A query of `read` starts up to five.

        Raises:
            TableError: if there is no such table; names the job that writes it.
        """
        self._require(table)
        files = list_plain_files(self.spark, self.path(table))
        if files is None:
            return self.read(table)
        if not files:
            return self.spark.createDataFrame([], table.schema)
        paths = [_GLOB_CHARACTERS.sub(r"\\\g<0>", file) for file in files]
        return self.spark.read.schema(table.schema).parquet(*paths)

    def write(self, table: Table, rows: DataFrame, partition_by: str | None = None) -> None:
        """Replace the whole table, atomically.

        Raises:
            TableError: if columns do not fit, or another job writes the table at the same time: the
                user must decide which rows it is to hold.
        """
        writer = self._writer(table, rows).mode("overwrite").option("overwriteSchema", "true")
        try:
            (writer.partitionBy(partition_by) if partition_by else writer).save(self.path(table))
        except _CONFLICTS as error:
            raise TableError(
                f"{self._describe(table)} was written by another job at the same time, whose rows "
                "it holds now: let that job end, and run this one again"
            ) from error
        self.register(table)

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
        writer = self._writer(table, rows).mode("overwrite").option("mergeSchema", "true")
        writer = writer.option("replaceWhere", where)
        for attempt in itertools.count(1):
            try:
                writer.save(self.path(table))
                break
            except _CONFLICTS as error:
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
            TableError: if the name belongs to a table elsewhere.
        """
        if not self.database or self._is_shared(table) or not self.exists(table):
            return
        name = f"{self.database}.{self.label(table)}"
        if _place_in_catalog(self.spark, name) == _qualify(self.spark, self.path(table)):
            return  # As for every stage that is skipped: without a Spark job.
        place = _place(self._delta(table))
        self.spark.sql(f"CREATE DATABASE IF NOT EXISTS {self.database}")
        self.spark.sql(f"CREATE TABLE IF NOT EXISTS {name} USING delta LOCATION '{place}'")
        registered = _place(DeltaTable.forName(self.spark, name))
        if registered != place:
            raise TableError(
                f"{name} is the table at {registered} and not that at {place}: set tables.database "
                f"to another name for this root, or run DROP TABLE {name}, which deletes no rows"
            )

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

    def _newest_version(self, table: Table) -> int | None:
        # The history, and Delta's own check of whether there is a table, take a Spark job or some
        # hundred milliseconds; the names in the log take a few.
        log_folder = join(self.path(table), "_delta_log")
        names = (f.name for f in files_at(self.spark, log_folder).list(log_folder))
        versions = [int(m[1]) for m in map(_COMMIT_OR_CHECKPOINT.fullmatch, names) if m]
        return max(versions, default=None)

    def _metadata(self, table: Table, version: int) -> dict[str, Any]:
        """The table's id and properties (`configuration`), as of a version."""
        # Delta writes them into a checksum file with each commit, though it need not; a commit has
        # them only if it changes them.
        url = join(self.path(table), "_delta_log", f"{version:020}.crc")
        files = files_at(self.spark, url)
        if files.exists(url):
            metadata = json.loads(files.read(url)).get("metadata")
            if metadata:
                return dict(metadata)
        detail = self._delta(table).detail().collect()[0]
        return {"id": detail["id"], "configuration": detail["properties"]}

    def _delta(self, table: Table) -> DeltaTable:
        return DeltaTable.forPath(self.spark, self.path(table))

    def _require(self, table: Table) -> int:
        """The newest version."""
        version = self._newest_version(table)
        if version is None:
            advice = f"run {table.job} first with the same configuration"
            if self._is_shared(table):
                advice = "input.tables must be the root of a pipeline that wrote it, or empty"
            raise TableError(f"there is no {self._describe(table)}; {advice}")
        return version

    def _writer(self, table: Table, rows: DataFrame):  # type: ignore[no-untyped-def]
        if self._is_shared(table):
            raise TableError(
                f"table {table.name} is read from {self.source} (input.tables) and not written: "
                "leave input.tables empty to ingest here"
            )
        fitted = conform(rows, table)
        return fitted.write.format("delta").option("delta.enableDeletionVectors", "false")

    def _refuse_more_than_plain_files(self, table: Table) -> None:
        properties = self._metadata(table, self._require(table)).get("configuration") or {}
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


def _place(table: DeltaTable) -> str:
    return str(table.detail().select("location").collect()[0][0])


def _place_in_catalog(spark: SparkSession, name: str) -> str | None:
    """Where the table that has this name is; None if none has it. Starts no Spark job."""
    state = spark._jsparkSession.sessionState()
    identifier = state.sqlParser().parseTableIdentifier(name)
    if not state.catalog().tableExists(identifier):
        return None
    location = state.catalog().getTableMetadata(identifier).location()
    return str(spark._jvm.org.apache.hadoop.fs.Path(location).toString())  # type: ignore[union-attr]


def _qualify(spark: SparkSession, path: str) -> str:
    """The complete path of a folder, as that of a table in the catalog."""
    folder = spark._jvm.org.apache.hadoop.fs.Path(path)  # type: ignore[union-attr]
    system = folder.getFileSystem(spark._jsc.hadoopConfiguration())
    return str(system.makeQualified(folder).toString())


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
