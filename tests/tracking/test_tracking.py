"""What is logged of a run, and servers that are none. tests/e2e has one of MLflow's own."""

import datetime
import http.server
import subprocess
import sys
import threading
from typing import Any

import pytest
from pyspark.sql import Row

from mmdin import predictors
from mmdin.errors import ConfigurationError, TrackingError
from mmdin.schemas import METRICS
from mmdin.tracking.records import RunRecord, make_record
from mmdin.tracking.server import Server

START = datetime.datetime(2026, 1, 2, 3, 4, 5)
RUN = Row(
    run_id="din-1",
    model="din",
    protocol="point_in_time",
    revision="abc",
    checkpoint="build/x/checkpoints/din-1",
    started_at=START,
    ended_at=START + datetime.timedelta(seconds=30),
)
SETTINGS = {"networks": {"heads": 2, "hidden_units": [8]}, "training": {"learning_rate": 0.001}}


def epoch(number: int, roc_auc: float | None) -> Row:
    values = {"learning_rate": 0.001, "train_loss": 0.7, "validation_loss": 0.6 - number / 100}
    speed = {"rows_per_second": 1000.0, "seconds": 10.0}
    return Row(run_id="din-1", epoch=number, validation_roc_auc=roc_auc, **values, **speed)


def measured(**values: Any) -> Row:
    of_run = {"run_id": "din-1", "variant": "DIN", "rows": 500, "roc_auc": 0.71, "rows_digest": 9}
    return Row(**{**dict.fromkeys(METRICS.columns), **of_run, "seed": 1, **values})


INTERVAL = Row(variant="DIN", metric="roc_auc", dimension="all", mean=0.7, lower=0.6, upper=None)


def record(measured: Row | None = None) -> RunRecord:
    epochs = [epoch(2, None), epoch(1, 0.65)]
    return make_record(("DIN", 1), RUN, SETTINGS, epochs, measured, [INTERVAL])


def test_a_record_has_parameters_epochs_and_metrics_with_intervals() -> None:
    made = record(measured(gauc=float("nan")))
    assert made.name == "DIN, seed 1"
    assert made.parameters == {
        "model": "din",
        "seed": "1",
        "networks.heads": "2",
        "networks.hidden_units": "[8]",
        "training.learning_rate": "0.001",
    }
    assert [e.number for e in made.epochs] == [1, 2]
    assert made.epochs[0].values["validation_roc_auc"] == 0.65
    assert "validation_roc_auc" not in made.epochs[1].values
    assert made.epochs[1].ended_at == START + datetime.timedelta(seconds=20)
    assert made.metrics == {
        "test_rows": 500,
        "test_roc_auc": 0.71,
        "test_roc_auc_mean": 0.7,
        "test_roc_auc_lower": 0.6,
    }
    assert record().metrics == {}


def test_a_server_that_does_not_answer_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(TrackingError, match=r"tracking.mlflow=http://127\.0\.0\.1:9: .*refused"):
        Server("http://127.0.0.1:9", "small")


class Page(http.server.BaseHTTPRequestHandler):
    """Another web server's answer to everything: a page, with the status in the URI's path."""

    def do_GET(self) -> None:
        self.send_response(int(self.path.split("/")[1]))
        self.end_headers()
        self.wfile.write(b"<!doctype html>\n<html>...</html>")

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@pytest.mark.parametrize("status", ["200", "403", "500"])
def test_a_server_of_other_pages_is_one_message(
    status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with http.server.HTTPServer(("127.0.0.1", 0), Page) as other:
        threading.Thread(target=other.serve_forever, args=(0.01,), daemon=True).start()
        uri = f"http://127.0.0.1:{other.server_port}/{status}"
        problem = "body was not in a valid JSON" if status == "200" else rf"\b{status} "
        with pytest.raises(TrackingError, match=rf"^tracking.mlflow={uri}: .*{problem}") as told:
            Server(uri, "small")
        other.shutdown()
    assert "html" not in str(told.value)
    assert str(told.value).endswith("may write to it, and run the same command again")


def test_a_missing_package_is_named_before_hours_of_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictors.importlib.util, "find_spec", lambda name: None)
    predictors.require_tracking("")
    with pytest.raises(ConfigurationError, match=r"pip install 'mmdin\[mlflow\]'"):
        predictors.require_tracking("http://somewhere")


def test_nothing_of_mlflow_is_loaded_without_a_server() -> None:
    code = "import sys, spark_jobs.pipeline, spark_jobs.export; sys.exit('mlflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
