"""Training runs, and their tables `runs` and `epochs`."""

import datetime
import functools
import logging
import math
import subprocess
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import mmdin
from mmdin.dataset.sharding import count_rows
from mmdin.errors import TableError
from mmdin.fingerprints import fingerprint, training_code
from mmdin.local_rows import local_rows
from mmdin.networks import CHECKPOINT_FILES
from mmdin.schemas import EPOCHS, RUNS
from mmdin.storage import Folder, folder_at, join
from mmdin.tables import DataFile, Tables
from mmdin.training.assignment import TrainingResult, read_result
from mmdin.training.state import has_state
from mmdin.variants import Variant

log = logging.getLogger(__name__)

_PACKAGES = ("pyspark", "delta-spark", "petastorm", "pyarrow", "numpy", "tensorflow", "horovod")


@dataclass(frozen=True)
class TrainingData:
    """What the runs on one set of samples read.

    Attributes:
        versions: Delta version of each of SAMPLE_TABLES.
        identities: Delta's id and version of each, as of sample_identities.
        vocabulary_sizes: rows of each vocabulary.
        files: active files of samples, by split.
    """

    versions: dict[str, int]
    identities: dict[str, str]
    vocabulary_sizes: dict[str, int]
    files: dict[str, list[DataFile]]

    @property
    def rows(self) -> dict[str, int]:
        """Rows by split."""
        return {split: count_rows(files) for split, files in self.files.items()}


@dataclass(frozen=True)
class Run:
    """A row of `runs`; mmdin.schemas.RUNS documents the columns."""

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
    metrics: dict[str, float | None]

    @property
    def label(self) -> str:
        """Name on the console: the variant's, with the seed if there are several."""
        several = len(self.variant.config.training.seeds) > 1
        return f"{self.variant.label}, seed {self.seed}" if several else self.variant.label

    @property
    def checkpoint(self) -> str:
        """Path or URL of the folder of weights and logs."""
        return join(self.variant.config.root, "checkpoints", self.run_id)

    def folder(self, spark: SparkSession) -> Folder:
        """Return the checkpoint folder for use on the driver."""
        return folder_at(spark, self.checkpoint)

    def to_row(self) -> tuple[Any, ...]:
        """Return the values of the columns of mmdin.schemas.RUNS."""
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


@dataclass(frozen=True)
class PreviousRuns:
    """Runs of `runs` that had the same configuration, samples and code as the wanted ones.

    Attributes:
        finished: fingerprints of the runs that have ended, whether or not `runs` knows it yet.
        resumable: stopped runs that saved a state to resume from, by fingerprint.
        unrecorded: runs that have ended, or were stopped for good, since `runs` was last written.
    """

    finished: frozenset[str] = frozenset()
    resumable: Mapping[str, Run] = field(default_factory=dict)
    unrecorded: tuple[Run, ...] = ()


def start_run(variant: Variant, seed: int, data: TrainingData) -> Run:
    """Create a run that starts now."""
    now = datetime.datetime.now(datetime.UTC)
    digest = fingerprint(variant, seed, data.identities)
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


def find_previous_runs(tables: Tables, wanted: Sequence[Run]) -> PreviousRuns:
    """Find what previous runs, with this code, left of the wanted ones. Writes nothing."""
    if not tables.exists(RUNS):
        return PreviousRuns()
    by_fingerprint = {run.fingerprint: run for run in wanted}
    same = F.col("fingerprint").isin(list(by_fingerprint)) & (F.col("code") == training_code())
    columns = ("fingerprint", "run_id", "started_at", "status")
    rows = tables.read(RUNS).where(same).select(*columns).collect()
    unfinished = [
        replace(
            by_fingerprint[r["fingerprint"]],
            run_id=r["run_id"],
            started_at=r["started_at"],
            status=r["status"],
        )
        for r in sorted(rows, key=lambda r: r["started_at"])
        if r["status"] != "finished"
    ]
    ended = [run for run in unfinished if read_result(run.folder(tables.spark))]
    finished = {
        r["fingerprint"]
        for r in rows
        if r["status"] == "finished"
        and _has_network(replace(by_fingerprint[r["fingerprint"]], run_id=r["run_id"]), tables)
    }
    finished |= {run.fingerprint for run in ended}
    stopped = {
        run.fingerprint: run
        for run in unfinished
        if run.fingerprint not in finished and has_state(run.folder(tables.spark))
    }
    known = {run.run_id for run in (*ended, *stopped.values())}
    lost = [run for run in unfinished if run.status == "running" and run.run_id not in known]
    return PreviousRuns(
        finished=frozenset(finished),
        resumable={key: replace(run, status="running") for key, run in stopped.items()},
        unrecorded=(*ended, *lost),
    )


def _has_network(run: Run, tables: Tables) -> bool:
    """Whether the network of a finished run is still in its checkpoint folder."""
    folder = run.folder(tables.spark)
    if all(map(folder.exists, CHECKPOINT_FILES)):
        return True
    log.warning("train: the network of %s is gone from %s: trained again", run.run_id, folder.url)
    return False


def check_resumable(tables: Tables, run_id: str, resumable: Collection[Run]) -> None:
    """Check that a run is among the resumable ones.

    Raises:
        TableError: it is not. The message gives the reason.
    """
    if run_id in {run.run_id for run in resumable}:
        return
    rows = tables.read(RUNS).where(F.col("run_id") == run_id).collect()
    if not rows:
        raise TableError(f"there is no run {run_id} in table runs at {tables.path(RUNS)}")
    row = rows[0]
    if row["status"] == "finished":
        raise TableError(f"run {run_id} has ended: there is nothing to resume")
    if row["code"] != training_code():
        raise TableError(
            f"run {run_id} was trained by other code (revision {row['revision']}): resume it with "
            "that code, or train again without training.resume"
        )
    if not has_state(folder_at(tables.spark, row["checkpoint"])):
        raise TableError(f"run {run_id} saved no state to resume from in {row['checkpoint']}")
    raise TableError(
        f"run {run_id} is not one of this configuration on the newest samples: its configuration "
        "is in column configuration of table runs"
    )


def end_runs(tables: Tables, runs: Sequence[Run], reason: str | None = None) -> list[Run]:
    """Record the end of runs: as finished if they wrote a result, else as failed.

    Args:
        tables: where `runs` and `epochs` are.
        runs: runs that have ended.
        reason: why those without a result failed.

    Returns:
        The runs with what was recorded of them.
    """
    results = {run.run_id: read_result(run.folder(tables.spark)) for run in runs}
    ended = [_end(run, results[run.run_id], reason) for run in runs]
    epochs = [
        tuple(_or_null({"run_id": run_id, **asdict(epoch)}[c]) for c in EPOCHS.columns)
        for run_id, result in results.items()
        if result
        for epoch in result.epochs
    ]
    tables.replace(EPOCHS, local_rows(tables.spark, epochs, EPOCHS.schema), _is_one_of(runs))
    upsert_runs(tables, ended)
    return ended


def upsert_runs(tables: Tables, runs: Sequence[Run]) -> None:
    """Write the runs' rows into `runs`, replacing earlier rows of the same runs."""
    rows = local_rows(tables.spark, (run.to_row() for run in runs), RUNS.schema)
    tables.replace(RUNS, rows, _is_one_of(runs))


def _end(run: Run, result: TrainingResult | None, reason: str | None) -> Run:
    if result is None:
        now = datetime.datetime.now(datetime.UTC)
        return replace(run, status="failed", reason=reason, ended_at=now)
    return replace(
        run,
        status="finished",
        started_at=datetime.datetime.fromtimestamp(result.started_at, datetime.UTC),
        ended_at=datetime.datetime.fromtimestamp(result.ended_at, datetime.UTC),
        parameters=result.parameters,
        resumed_after=result.resumed_after,
        best_epoch=result.best_epoch,
        metrics={
            "train_loss": _or_null(result.best.train_loss),
            "validation_loss": _or_null(result.best.validation_loss),
            "validation_roc_auc": _or_null(result.best.validation_roc_auc),
        },
    )


def _or_null(value: Any) -> Any:
    """None for NaN, which would be the largest number in Spark's comparisons and spoil its sums."""
    return None if isinstance(value, float) and math.isnan(value) else value


@functools.cache
def code_revision() -> str:
    """Return the code's Git revision, or the package's version outside a Git repository.

    The suffix +changes means that files differ from the revision.
    """
    folder = Path(__file__).resolve().parents[3]
    try:
        revision = _git(folder, "rev-parse", "HEAD")
        return revision + ("+changes" if _git(folder, "status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return mmdin.__version__


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _is_one_of(runs: Sequence[Run]) -> str:
    """Return an SQL condition on run_id."""
    names = ", ".join(f"'{run.run_id}'" for run in runs)
    return f"run_id IN ({names})"
