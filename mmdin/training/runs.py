"""The record of training runs: tables `runs` and `epochs`."""

import datetime
import hashlib
import subprocess
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

import mmdin
from mmdin.config import Config, ModelName
from mmdin.schemas import EPOCHS, RUNS
from mmdin.tables import Tables
from mmdin.training.loop import Outcome

_PACKAGES = ("pyspark", "delta-spark", "petastorm", "pyarrow", "numpy", "tensorflow", "horovod")


@dataclass(frozen=True)
class Run:
    """A row of `runs`; mmdin.schemas.RUNS says what each column means."""

    run_id: str
    model: str
    status: str
    reason: str | None
    protocol: str
    configuration: str
    table_versions: dict[str, int]
    rows: dict[str, int]
    seed: int
    ranks: int
    global_batch: int
    parameters: int | None
    packages: dict[str, str]
    revision: str
    started_at: datetime.datetime
    ended_at: datetime.datetime | None
    best_epoch: int | None
    metrics: dict[str, float]
    checkpoint: str


def start_run(
    tables: Tables,
    config: Config,
    model: ModelName,
    table_versions: dict[str, int],
    rows: dict[str, int],
) -> Run:
    """Record a run as running."""
    now = _now()
    configuration = config.to_yaml()
    digest = hashlib.sha256(f"{configuration}{table_versions}".encode()).hexdigest()[:8]
    run_id = f"{model}-{now:%Y%m%dT%H%M%S}-{digest}"
    run = Run(
        run_id=run_id,
        model=model,
        status="running",
        reason=None,
        protocol=config.samples.protocol,
        configuration=configuration,
        table_versions=table_versions,
        rows=rows,
        seed=config.seed,
        ranks=config.training.ranks,
        global_batch=config.training.ranks * config.training.batch_size,
        parameters=None,
        packages={p: version(p) for p in _PACKAGES},
        revision=code_revision(),
        started_at=now,
        ended_at=None,
        best_epoch=None,
        metrics={},
        checkpoint=f"{config.root}/checkpoints/{run_id}",
    )
    _record(tables, run)
    return run


def finish_run(tables: Tables, run: Run, outcome: Outcome) -> Run:
    """Record what a run came to, and its epochs."""
    epochs = [{"run_id": run.run_id, **asdict(e)} for e in outcome.epochs]
    rows = tables.spark.createDataFrame([tuple(e[c] for c in EPOCHS.names) for e in epochs], EPOCHS)
    tables.replace("epochs", rows, f"run_id = '{run.run_id}'")
    best = outcome.epochs[outcome.best_epoch - 1]
    finished = replace(
        run,
        status="finished",
        ended_at=_now(),
        parameters=outcome.parameters,
        best_epoch=outcome.best_epoch,
        metrics={
            "train_loss": best.train_loss,
            "validation_loss": best.validation_loss,
            "validation_roc_auc": best.validation_roc_auc,
        },
    )
    _record(tables, finished)
    return finished


def fail_run(tables: Tables, run: Run, reason: str) -> None:
    """Record that a run failed, and why."""
    _record(tables, replace(run, status="failed", reason=reason, ended_at=_now()))


def code_revision() -> str:
    """The code's Git revision, +changes where files differ from it; the version outside Git."""
    folder = Path(__file__).resolve().parents[2]
    try:
        revision = _git(folder, "rev-parse", "HEAD")
        return revision + ("+changes" if _git(folder, "status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return mmdin.__version__


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _record(tables: Tables, run: Run) -> None:
    rows = tables.spark.createDataFrame([tuple(getattr(run, c) for c in RUNS.names)], RUNS)
    tables.replace("runs", rows, f"run_id = '{run.run_id}'")


def _now() -> datetime.datetime:
    # Without a zone, as Spark's session zone is UTC.
    return datetime.datetime.now(datetime.UTC)
