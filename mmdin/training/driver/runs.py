"""The record of training runs: tables `runs` and `epochs`."""

import datetime
import functools
import subprocess
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import mmdin
from mmdin.dataset.sharding import count_rows
from mmdin.errors import TableError
from mmdin.schemas import EPOCHS, RUNS
from mmdin.storage import Folder, folder_at, join
from mmdin.tables import DataFile, Tables
from mmdin.training.assignment import Outcome, read_outcome
from mmdin.training.state import has_progress
from mmdin.variants import Variant, fingerprint, training_code

_PACKAGES = ("pyspark", "delta-spark", "petastorm", "pyarrow", "numpy", "tensorflow", "horovod")


@dataclass(frozen=True)
class TrainingData:
    """What runs on one set of samples read.

    versions: Delta version of each of SAMPLE_TABLES; vocabulary_sizes: rows of each vocabulary;
    files: active files of samples, by split.
    """

    versions: dict[str, int]
    vocabulary_sizes: dict[str, int]
    files: dict[str, list[DataFile]]

    @property
    def rows(self) -> dict[str, int]:
        """Rows by split."""
        return {split: count_rows(own) for split, own in self.files.items()}


@dataclass(frozen=True)
class Run:
    """A row of `runs`; mmdin.schemas.RUNS says what each column means."""

    variant: Variant
    run_id: str
    status: str
    reason: str | None
    table_versions: dict[str, int]
    rows: dict[str, int]
    fingerprint: str
    seed: int
    parameters: int | None
    started_at: datetime.datetime
    ended_at: datetime.datetime | None
    resumed_after: tuple[int, ...]
    best_epoch: int | None
    metrics: dict[str, float]

    @property
    def label(self) -> str:
        """What the console calls it: the variant, and the seed where there are several."""
        several = len(self.variant.config.training.seeds) > 1
        return f"{self.variant.label}, seed {self.seed}" if several else self.variant.label

    @property
    def checkpoint(self) -> str:
        """Path or URL of the folder of the weights and logs."""
        return join(self.variant.config.root, "checkpoints", self.run_id)

    def folder(self, spark: SparkSession) -> Folder:
        """That folder, for the driver."""
        return folder_at(spark, self.checkpoint)

    def to_row(self) -> tuple[Any, ...]:
        """The values of mmdin.schemas.RUNS' columns."""
        config = self.variant.config
        values = vars(self) | {
            "model": self.variant.model,
            "protocol": config.samples.protocol,
            "configuration": config.to_yaml(),
            "ranks": config.training.ranks,
            "global_batch": config.training.ranks * config.training.batch_size,
            "packages": {p: version(p) for p in _PACKAGES},
            "code": training_code(),
            "revision": code_revision(),
            "checkpoint": self.checkpoint,
        }
        return tuple(values[column] for column in RUNS.columns)


def start_run(variant: Variant, seed: int, data: TrainingData) -> Run:
    """A run that starts now."""
    now = datetime.datetime.now(datetime.UTC)
    digest = fingerprint(variant, seed, data.versions)
    return Run(
        variant=variant,
        run_id=f"{variant.model}-{now:%Y%m%dT%H%M%S}-{digest[:8]}",
        status="running",
        reason=None,
        table_versions=data.versions,
        rows=data.rows,
        fingerprint=digest,
        seed=seed,
        parameters=None,
        started_at=now,
        ended_at=None,
        resumed_after=(),
        best_epoch=None,
        metrics={},
    )


def find_earlier(tables: Tables, wanted: Sequence[Run]) -> tuple[set[str], dict[str, Run]]:
    """What was made of the wanted runs before, with this code.

    Returns the fingerprints of those that have ended, and by fingerprint those that were stopped in
    the middle and left where they stand, as the runs that go on. What became of stopped runs is
    recorded first.
    """
    if not tables.exists(RUNS):
        return set(), {}
    alike = {run.fingerprint: run for run in wanted}
    same = tables.read(RUNS).where(
        F.col("fingerprint").isin(list(alike)) & (F.col("code") == training_code())
    )
    unfinished = [
        replace(
            alike[r["fingerprint"]],
            run_id=r["run_id"],
            started_at=r["started_at"],
            status=r["status"],
        )
        for r in same.where("status <> 'finished'").orderBy("started_at").collect()
    ]
    ended = [run for run in unfinished if read_outcome(run.folder(tables.spark))]
    if ended:
        end_runs(tables, ended)
    finished = {r["fingerprint"] for r in same.where("status = 'finished'").collect()}
    going_on = {
        run.fingerprint: run
        for run in unfinished
        if run.fingerprint not in finished and has_progress(run.folder(tables.spark))
    }
    known = (*ended, *going_on.values())
    lost = [run for run in unfinished if run.status == "running" and run not in known]
    if lost:
        end_runs(tables, lost, reason="stopped before its end")
    return finished, {key: replace(run, status="running") for key, run in going_on.items()}


def check_resumed(tables: Tables, run_id: str, going_on: Collection[Run]) -> None:
    """Raises TableError where the run is not among those that go on, saying why."""
    if run_id in {run.run_id for run in going_on}:
        return
    found = tables.read(RUNS).where(F.col("run_id") == run_id).collect()
    if not found:
        raise TableError(f"there is no run {run_id} in table runs at {tables.path(RUNS)}")
    row = found[0]
    if row["status"] == "finished":
        raise TableError(f"run {run_id} has ended: there is nothing to resume")
    if row["code"] != training_code():
        raise TableError(
            f"run {run_id} was trained by other code (revision {row['revision']}): go on with "
            "that, or train anew"
        )
    if not has_progress(folder_at(tables.spark, row["checkpoint"])):
        raise TableError(f"run {run_id} left nothing to go on from in {row['checkpoint']}")
    raise TableError(
        f"run {run_id} is not one of this configuration on the newest samples: column "
        "configuration of table runs holds its own"
    )


def end_runs(tables: Tables, runs: Sequence[Run], reason: str | None = None) -> list[Run]:
    """Record what became of runs: those that left an outcome finished, the others failed.

    Args:
        reason: why those without an outcome failed.
    """
    outcomes = {run.run_id: read_outcome(run.folder(tables.spark)) for run in runs}
    ended = [_end(run, outcomes[run.run_id], reason) for run in runs]
    epochs = [
        tuple({"run_id": run_id, **asdict(epoch)}[column] for column in EPOCHS.columns)
        for run_id, outcome in outcomes.items()
        if outcome
        for epoch in outcome.epochs
    ]
    tables.replace(EPOCHS, tables.spark.createDataFrame(epochs, EPOCHS.schema), _among(runs))
    record(tables, ended)
    return ended


def record(tables: Tables, runs: Sequence[Run]) -> None:
    """Write the runs' rows, in place of what stood there."""
    rows = tables.spark.createDataFrame([run.to_row() for run in runs], RUNS.schema)
    tables.replace(RUNS, rows, _among(runs))


def _end(run: Run, outcome: Outcome | None, reason: str | None) -> Run:
    if outcome is None:
        now = datetime.datetime.now(datetime.UTC)
        return replace(run, status="failed", reason=reason, ended_at=now)
    return replace(
        run,
        status="finished",
        started_at=datetime.datetime.fromtimestamp(outcome.started_at, datetime.UTC),
        ended_at=datetime.datetime.fromtimestamp(outcome.ended_at, datetime.UTC),
        parameters=outcome.parameters,
        resumed_after=outcome.resumed_after,
        best_epoch=outcome.best_epoch,
        metrics={
            "train_loss": outcome.best.train_loss,
            "validation_loss": outcome.best.validation_loss,
            "validation_roc_auc": outcome.best.validation_roc_auc,
        },
    )


@functools.cache
def code_revision() -> str:
    """The code's Git revision, +changes where files differ from it; the version outside Git."""
    folder = Path(__file__).resolve().parents[3]
    try:
        revision = _git(folder, "rev-parse", "HEAD")
        return revision + ("+changes" if _git(folder, "status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return mmdin.__version__


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _among(runs: Sequence[Run]) -> str:
    names = ", ".join(f"'{run.run_id}'" for run in runs)
    return f"run_id IN ({names})"
