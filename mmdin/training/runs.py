"""The record of training runs: tables `runs` and `epochs`."""

import datetime
import hashlib
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

import mmdin
from mmdin.config import Config
from mmdin.schemas import EPOCHS, RUNS
from mmdin.tables import Tables
from mmdin.training.assignment import Outcome, read_outcome

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


def start_runs(
    tables: Tables, config: Config, table_versions: dict[str, int], rows: dict[str, int]
) -> list[Run]:
    """Record a run as running for each of training.models."""
    now = datetime.datetime.now(datetime.UTC)
    configuration = config.to_yaml()
    digest = hashlib.sha256(f"{configuration}{table_versions}".encode()).hexdigest()[:8]
    names = {model: f"{model}-{now:%Y%m%dT%H%M%S}-{digest}" for model in config.training.models}
    runs = [
        Run(
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
        for model, run_id in names.items()
    ]
    _record(tables, runs)
    return runs


def end_runs(tables: Tables, runs: Sequence[Run], reason: str | None = None) -> list[Run]:
    """Record what became of runs: those that left an outcome finished, the others failed.

    Args:
        reason: why those without an outcome failed.
    """
    outcomes = {run.run_id: read_outcome(run.checkpoint) for run in runs}
    ended = [_end(run, outcomes[run.run_id], reason) for run in runs]
    epochs = [
        tuple({"run_id": run_id, **asdict(epoch)}[column] for column in EPOCHS.names)
        for run_id, outcome in outcomes.items()
        if outcome
        for epoch in outcome.epochs
    ]
    tables.replace("epochs", tables.spark.createDataFrame(epochs, EPOCHS), _among(runs))
    _record(tables, ended)
    return ended


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
        best_epoch=outcome.best_epoch,
        metrics={
            "train_loss": outcome.best.train_loss,
            "validation_loss": outcome.best.validation_loss,
            "validation_roc_auc": outcome.best.validation_roc_auc,
        },
    )


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


def _record(tables: Tables, runs: Sequence[Run]) -> None:
    rows = [tuple(getattr(run, column) for column in RUNS.names) for run in runs]
    tables.replace("runs", tables.spark.createDataFrame(rows, RUNS), _among(runs))


def _among(runs: Sequence[Run]) -> str:
    names = ", ".join(f"'{run.run_id}'" for run in runs)
    return f"run_id IN ({names})"
