"""Delta tables under one root, each checked against its schema on write.

The only module that knows Delta.
"""

import itertools
import logging
from dataclasses import dataclass

# Importing it is what makes PySpark raise Delta's own exceptions.
from delta.exceptions import captured
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from mmdin.config import Config
from mmdin.errors import TableError
from mmdin.schemas import TABLES

log = logging.getLogger(__name__)

_PRODUCED_BY = {
    "ratings": "ingest_ratings",
    "movies": "ingest_ratings",
    "links": "ingest_ratings",
    "rejected_rows": "ingest_ratings",
    "posters": "ingest_posters",
    "poster_features": "poster_features",
    "true_probabilities": "make_demo_data",
    "samples": "build_samples",
    "vocabularies": "build_samples",
    "bucket_edges": "build_samples",
    "runs": "train",
    "epochs": "train",
    "predictions": "score",
    "validation_predictions": "score",
    "attention_weights": "score",
    "experiments": "evaluate",
    "split_counts": "evaluate",
    "metrics": "evaluate",
    "metric_intervals": "evaluate",
    "differences": "evaluate",
    "calibration": "evaluate",
    "sampled_scores": "evaluate",
}

INGESTED = (
    "ratings",
    "movies",
    "links",
    "rejected_rows",
    "posters",
    "poster_features",
    "true_probabilities",
)
"""Tables that several pipelines can share: see input.tables."""

SAMPLE_TABLES = ("samples", "vocabularies", "bucket_edges")
"""Tables of which one root can hold several under names of their own: see samples.name."""

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
"""What Delta says where two commits cannot both stand; they have no base of their own."""

_ATTEMPTS = 10


@dataclass(frozen=True)
class DataFile:
    """An active Parquet file of a table: its URL and its number of rows."""

    url: str
    rows: int


class Tables:
    """The tables of one root, by their plain names (keys of mmdin.schemas.TABLES).

    Args:
        source: root whose INGESTED tables are read; empty for this one.
        samples: name of the SAMPLE_TABLES meant, where there are several.
        database: of Spark's catalog, in which tables are registered as they are written; empty for
            none.
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
        """The tables that a configuration means."""
        own = config.samples.name
        return cls(spark, config.root, config.input.tables, own, config.tables.database)

    def path(self, name: str) -> str:
        """Where the table lies: <root>/tables/<name>, with _<samples> behind SAMPLE_TABLES."""
        root = self.source if self.source and name in INGESTED else self.root
        suffix = f"_{self.samples}" if self.samples and name in SAMPLE_TABLES else ""
        return f"{root.rstrip('/')}/tables/{name}{suffix}"

    def exists(self, name: str) -> bool:
        """Whether the table has been written."""
        return DeltaTable.isDeltaTable(self.spark, self.path(name))

    def version(self, name: str) -> int:
        """The table's newest Delta version. Raises TableError where there is no table."""
        self._require(name)
        history = self._delta(name).history(1)
        return int(history.select("version").collect()[0][0])

    def read(self, name: str, version: int | None = None) -> DataFrame:
        """The table's rows, of the newest or of a pinned version.

        Raises TableError where there is no table, naming the job that writes it.
        """
        self._require(name)
        reader = self.spark.read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        return reader.load(self.path(name))

    def write(self, name: str, rows: DataFrame, partition_by: str | None = None) -> None:
        """Replace the whole table, atomically.

        Raises TableError where columns do not fit, and where another job writes the table
        meanwhile: which of the two it is to hold is for the user to say.
        """
        writer = self._writer(name, rows).mode("overwrite").option("overwriteSchema", "true")
        try:
            (writer.partitionBy(partition_by) if partition_by else writer).save(self.path(name))
        except _CONFLICTS as error:
            raise TableError(
                f"table {name} at {self.path(name)} was written by another job at the same time, "
                "whose rows it holds now: let that end, and run this one again"
            ) from error
        self.register(name)

    def replace(self, name: str, rows: DataFrame, where: str) -> None:
        """Replace the table's rows for which the SQL condition holds, atomically.

        All of the new rows must satisfy the condition. The table is created where there is none.
        Where other jobs write the table meanwhile, theirs come first and this is done again.

        Raises TableError where columns do not fit, and where others came first too often.
        """
        writer = self._writer(name, rows).mode("overwrite").option("mergeSchema", "true")
        writer = writer.option("replaceWhere", where)
        for attempt in itertools.count(1):
            try:
                writer.save(self.path(name))
                break
            except _CONFLICTS as error:
                if attempt == _ATTEMPTS:
                    raise TableError(
                        f"table {name} at {self.path(name)}: other jobs wrote it {attempt} times "
                        "while this one tried to: run it again when fewer do"
                    ) from error
        self.register(name)

    def register(self, name: str) -> None:
        """Give a table of this root its name in the catalog's database, where one is configured.

        The catalog keeps only the name and the place: dropping the name leaves the table. Raises
        TableError where the name means a table elsewhere.
        """
        if not self.database or (self.source and name in INGESTED) or not self.exists(name):
            return
        own = _place(self._delta(name))
        known = f"{self.database}.{self.path(name).rpartition('/')[2]}"
        self.spark.sql(f"CREATE DATABASE IF NOT EXISTS {self.database}")
        self.spark.sql(f"CREATE TABLE IF NOT EXISTS {known} USING delta LOCATION '{own}'")
        registered = _place(DeltaTable.forName(self.spark, known))
        if registered != own:
            raise TableError(
                f"{known} is the table at {registered} and not that at {own}: set tables.database "
                f"to another name for this root, or say DROP TABLE {known}, which deletes no rows"
            )

    def files(self, name: str, version: int, condition: str) -> list[DataFile]:
        """The active files of a version that hold rows under a condition on partitions.

        Raises TableError where the files say more than the table (deletion vectors or column
        mapping), since a reader of plain Parquet would see what the table does not hold.
        """
        self._refuse_more_than_plain_files(name)
        counted = (
            self.read(name, version)
            .where(condition)
            .groupBy(F.col("_metadata.file_path").alias("url"))
            .count()
        )
        return [DataFile(r["url"], r["count"]) for r in counted.orderBy("url").collect()]

    def _delta(self, name: str) -> DeltaTable:
        return DeltaTable.forPath(self.spark, self.path(name))

    def _require(self, name: str) -> None:
        if not self.exists(name):
            job = _PRODUCED_BY.get(name)
            hint = f"; run {job} first with the same configuration" if job else ""
            raise TableError(f"there is no table {name} at {self.path(name)}{hint}")

    def _writer(self, name: str, rows: DataFrame):  # type: ignore[no-untyped-def]
        if self.source and name in INGESTED:
            raise TableError(
                f"table {name} is read from {self.source} (input.tables) and not written: leave "
                "input.tables empty to ingest here"
            )
        fitted = conform(rows, TABLES[name], name)
        return fitted.write.format("delta").option("delta.enableDeletionVectors", "false")

    def _refuse_more_than_plain_files(self, name: str) -> None:
        detail = self._delta(name).detail().collect()[0]
        properties = detail["properties"] or {}
        for feature, harmless in (
            ("enableDeletionVectors", "false"),
            ("columnMapping.mode", "none"),
        ):
            value = properties.get(f"delta.{feature}", harmless)
            if value != harmless:
                raise TableError(
                    f"table {name} at {self.path(name)} has delta.{feature}={value}, so its files "
                    f"say more than the table: write it again with build_samples"
                )


def _place(table: DeltaTable) -> str:
    return str(table.detail().select("location").collect()[0][0])


def conform(rows: DataFrame, schema: StructType, name: str) -> DataFrame:
    """Exactly the schema's columns, in its order, with its comments.

    Raises TableError listing columns that are missing, unexpected or of another type.
    """
    have = {f.name: f.dataType for f in rows.schema}
    want = {f.name: f.dataType for f in schema}
    problems = [f"{c} is missing" for c in want if c not in have]
    problems += [f"{c} is unexpected" for c in have if c not in want]
    problems += [
        f"{c} is {have[c].simpleString()}, not {want[c].simpleString()}"
        for c in want
        if c in have and have[c] != want[c]
    ]
    if problems:
        raise TableError(f"rows for table {name} do not fit its schema: {'; '.join(problems)}")
    return rows.select(*(F.col(f.name).alias(f.name, metadata=f.metadata) for f in schema))
