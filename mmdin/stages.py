"""Running stages one after the other, leaving out those that would change nothing."""

import datetime
import functools
import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from mmdin.config import Config
from mmdin.schemas import STAGES, Table, written_by
from mmdin.storage import files_at
from mmdin.tables import Tables

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stage:
    """A job, and all that its result depends on.

    name: of the job; run: its function; code: folders of the library that it runs, besides the
    core; sections: parts of the configuration that it reads;
    files: keys of `input` whose folders it reads; reads: tables that it reads. It writes the tables
    that name it as their job, and nobody else does.
    """

    name: str
    run: Callable[[SparkSession, Config], None]
    code: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    reads: tuple[Table, ...] = ()

    @property
    def writes(self) -> tuple[Table, ...]:
        """The tables that it writes."""
        return written_by(self.name)


def run_stages(
    spark: SparkSession, config: Config, stages: Sequence[Stage], samples: Sequence[str] = ()
) -> None:
    """Run each stage unless it ended before with the same code, configuration, input files and
    tables, and its own tables are still as it left them. Says which it skips.

    Args:
        samples: names of all sets of samples that the stages read; without them, the
            configuration's own.
    """
    tables = Tables.of(spark, config)
    for stage in stages:
        name = f"{stage.name}_{tables.samples}" if tables.samples else stage.name
        fingerprint = _fingerprint(tables, config, stage, samples)
        if fingerprint == _recorded(tables, name):
            log.info("== %s: unchanged, skipped", name)
            for table in stage.writes:
                tables.register(table)
            continue
        log.info("== %s", name)
        started = time.monotonic()
        stage.run(spark, config)
        log.info("== %s: %.1f s", name, time.monotonic() - started)
        row = (
            name,
            _fingerprint(tables, config, stage, samples),
            datetime.datetime.now(datetime.UTC),
        )
        tables.replace(STAGES, spark.createDataFrame([row], STAGES.schema), f"stage = '{name}'")


def _recorded(tables: Tables, name: str) -> str | None:
    if not tables.exists(STAGES):
        return None
    rows = tables.read(STAGES).where(F.col("stage") == name).collect()
    return rows[0]["fingerprint"] if rows else None


def _fingerprint(tables: Tables, config: Config, stage: Stage, samples: Sequence[str]) -> str:
    parts = [stage.name, digest_code((*_core(), *stage.code)), str(config.seed)]
    parts += [f"{s}: {getattr(config, s)!r}" for s in stage.sections]
    parts += [_describe_folder(tables.spark, getattr(config.input, f)) for f in stage.files]
    for name in samples or (config.samples.name,):
        changed = config.samples.model_copy(update={"name": name})
        own = Tables.of(tables.spark, config.model_copy(update={"samples": changed}))
        parts += [_describe_table(own, table) for table in (*stage.reads, *stage.writes)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _describe_table(tables: Tables, table: Table) -> str:
    return f"{table.name} {tables.version(table) if tables.exists(table) else 'absent'}"


def _describe_folder(spark: SparkSession, folder: str) -> str:
    files = files_at(spark, folder).list(folder) if folder else []
    return f"{folder}: {[(f.name, f.size, f.modified) for f in files]}"


@functools.cache
def digest_code(names: tuple[str, ...]) -> str:
    """Digest of the named files and folders of the library."""
    folder = Path(__file__).parent
    digest = hashlib.sha256()
    for name in names:
        found = [folder / name, *(folder / name).rglob("*")]
        for path in sorted(p for p in found if p.is_file() and p.suffix != ".pyc"):
            digest.update(path.read_bytes())
    return digest.hexdigest()


@functools.cache
def _core() -> tuple[str, ...]:
    modules = (p.name for p in Path(__file__).parent.glob("*.py"))
    return (*sorted(modules), "config", "storage")
