"""Runs of the experiment in an MLflow server, which is started here, and read back over HTTP."""

import dataclasses
import datetime
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from holding import wait_for
from launching import ROOT, Disturbed
from pyspark.sql import SparkSession
from services import answers, end, free_port, start

from mmdin.config import Config, load_config
from mmdin.errors import TrackingError
from mmdin.schemas import EPOCHS, METRIC_INTERVALS, METRICS
from mmdin.tables import Tables
from mmdin.tracking.records import Epoch, RunRecord
from mmdin.tracking.server import Server
from mmdin.tracking.track import track_export
from mmdin.variants import plan_variants
from spark_jobs import track

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

START = datetime.datetime(2026, 1, 2, 3, 4, 5)
RECORD = RunRecord(
    run_id="din-1",
    name="DIN, seed 1",
    started_at=START,
    ended_at=START + datetime.timedelta(seconds=30),
    parameters={"networks.heads": "2"},
    tags={"mmdin.run_id": "din-1"},
    epochs=[Epoch(1, START, {"train_loss": 0.7}), Epoch(2, START, {"train_loss": 0.6})],
    metrics={},
)


@dataclasses.dataclass(frozen=True)
class Started:
    """A server of MLflow.

    Attributes:
        uri: of it.
        artifacts: folder in which it keeps what clients send.
    """

    uri: str
    artifacts: Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """A server with a database, through which artifacts go too."""
    folder = tmp_path_factory.mktemp("mlflow")
    port = free_port()
    started = Started(f"http://127.0.0.1:{port}", folder / "artifacts")
    options = {
        "--host": "127.0.0.1",
        "--port": str(port),
        "--workers": "1",
        "--gunicorn-opts": "--log-level warning",
        "--backend-store-uri": f"sqlite:///{folder}/mlflow.db",
        "--artifacts-destination": str(started.artifacts),
    }
    command = [sys.executable, "-m", "mlflow", "server", *(x for o in options.items() for x in o)]
    without = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    log = folder / "log"
    process = start(command, log, cwd=folder, env={**os.environ, **without})
    try:
        wait_for(lambda: answers(f"{started.uri}/health"), process, log)
        yield started
    finally:
        end(process)


@pytest.fixture
def config(server: Started, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.chdir(folder)
    settings = [f"root={folder / ROOT}", f"tracking.mlflow={server.uri}"]
    return load_config(str(folder / "small.yaml"), settings)


def test_every_run_is_logged_with_its_report_and_its_export(
    spark: SparkSession,
    disturbed: Disturbed,
    exported: Path,
    config: Config,
    server: Started,
    tmp_path: Path,
) -> None:
    from mlflow import MlflowClient

    track.run(spark, plan_variants(config))
    track_export(spark, config, str(exported))

    client, tables = MlflowClient(server.uri), Tables.of(spark, config)
    experiment = client.get_experiment_by_name("small")
    runs = {
        run.data.tags["mmdin.run_id"]: run for run in client.search_runs([experiment.experiment_id])
    }
    rows = {r["run_id"]: r for r in tables.read(METRICS).collect() if r["seed"]}
    assert {r: run.data.metrics["test_roc_auc"] for r, run in runs.items()} == {
        r: row["roc_auc"] for r, row in rows.items()
    }
    intervals = {
        r["variant"]: r
        for r in tables.read(METRIC_INTERVALS).collect()
        if (r["metric"], r["dimension"]) == ("roc_auc", "all")
    }
    losses: dict[str, dict[int, float]] = {}
    for row in tables.read(EPOCHS).collect():
        losses.setdefault(row["run_id"], {})[row["epoch"]] = row["train_loss"]
    for run_id, run in runs.items():
        interval, logged = intervals[rows[run_id]["variant"]], run.data.metrics
        for bound in ("mean", "lower", "upper"):
            assert logged[f"test_roc_auc_{bound}"] == interval[bound]
        assert logged["test_roc_auc_lower"] < logged["test_roc_auc_mean"]
        history = client.get_metric_history(run.info.run_id, "train_loss")
        assert {m.step: m.value for m in history} == losses[run_id]
        assert run.data.params["training.epochs"] == str(len(history)) == "3"
        assert (run.info.status, run.data.params["model"]) == ("FINISHED", rows[run_id]["model"])

    run_of_export = runs[exported.name].info.run_id
    taken = Path(client.download_artifacts(run_of_export, "", str(tmp_path)))
    assert (taken / "report" / "index.html").read_bytes() == (
        Path(config.root) / "report" / "index.html"
    ).read_bytes()
    assert files_of(taken / "export") == files_of(exported)
    assert "1/saved_model.pb" in files_of(exported)


def files_of(folder: Path) -> dict[str, bytes]:
    """Contents by path in the folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_epochs_are_logged_once_and_metrics_again(server: Started, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    run = Server(server.uri, "twice").log(RECORD)
    measured = dataclasses.replace(RECORD, metrics={"test_roc_auc": 0.71})
    assert Server(server.uri, "twice").log(measured) == run
    client = MlflowClient(server.uri)
    logged = client.get_run(run)
    assert len(client.search_runs([logged.info.experiment_id])) == 1
    assert (logged.info.run_name, logged.info.status) == ("DIN, seed 1", "FINISHED")
    assert logged.info.start_time == START.timestamp() * 1000
    assert logged.info.end_time - logged.info.start_time == 30_000
    assert logged.data.params == {"networks.heads": "2"}
    assert logged.data.metrics == {"train_loss": 0.6, "test_roc_auc": 0.71}
    history = client.get_metric_history(run, "train_loss")
    assert [(m.step, m.value) for m in history] == [(1, 0.7), (2, 0.6)]
    with pytest.raises(TrackingError, match=r"run din-2 is not in http:.*: run job track first"):
        Server(server.uri, "twice").log_folder("din-2", tmp_path, "report")


def test_what_the_server_refuses_is_one_message(
    server: Started, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    advice = r"\. Check that a server of MLflow runs there and .* run the same command again$"
    with pytest.raises(TrackingError, match=rf"{server.uri}/nowhere: .* 404 != 200{advice}"):
        Server(f"{server.uri}/nowhere", "small")

    from mlflow import MlflowClient

    refusing = Server(server.uri, "refused")
    run = MlflowClient(server.uri).get_run(refusing.log(RECORD))
    server.artifacts.mkdir(exist_ok=True)
    (server.artifacts / run.info.experiment_id).write_text("no folder")
    (tmp_path / "index.html").write_text("page")
    with pytest.raises(TrackingError, match=rf"{server.uri}: .*500 error.*{advice}") as refused:
        refusing.log_folder("din-1", tmp_path, "report")
    assert "\n" not in str(refused.value)
