"""Logging to an MLflow server. Only this module imports mlflow."""

import datetime
import os
from pathlib import Path
from typing import Any

from mmdin.errors import TrackingError
from mmdin.tracking.records import RunRecord

_RUN_ID = "mmdin.run_id"
_EPOCHS_LOGGED = "mmdin.epochs_logged"

_AT_ONCE = 1000
"""Metrics that a server takes in one request."""

_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}
"""Variables of MLflow by which a server that does not answer is known in seconds, not minutes."""


class Server:
    """An MLflow server, or another of MLflow's stores.

    Args:
        uri: of the server, such as http://localhost:5000.
        experiment: name of the experiment to log to; made if there is none.

    Raises:
        TrackingError: the server does not answer, or refuses.
    """

    def __init__(self, uri: str, experiment: str) -> None:
        self._uri, self._experiment = uri, experiment
        for name, value in _PATIENCE.items():
            os.environ.setdefault(name, value)
        # Not at the top: it is an extra, and takes seconds to load.
        import mlflow
        from mlflow import entities

        self._mlflow: Any = mlflow
        self._entities: Any = entities
        self._client = self._call(lambda: self._mlflow.MlflowClient(uri))
        self._experiment_id = self._call(self._find_experiment)

    def log(self, record: RunRecord) -> str:
        """Log a run, and return its id in MLflow.

        A run that is there is updated: its epochs are logged once, its final metrics each time.
        """
        return str(self._call(lambda: self._log(record)))

    def log_folder(self, run_id: str, folder: Path, name: str) -> None:
        """Log the files of a folder as artifacts of a run that was logged."""
        run = self._call(lambda: self._find_run(run_id))
        if run is None:
            raise TrackingError(f"run {run_id} is not in {self._uri}: run job track first")
        self._call(lambda: self._client.log_artifacts(run.info.run_id, str(folder), name))

    def _log(self, record: RunRecord) -> str:
        run = self._find_run(record.run_id) or self._create(record)
        if _EPOCHS_LOGGED not in run.data.tags:
            self._log_epochs(run.info.run_id, record)
        now = _milliseconds(datetime.datetime.now(datetime.UTC))
        final = [self._metric(n, v, now, 0) for n, v in record.metrics.items()]
        self._client.log_batch(run.info.run_id, metrics=final)
        ended = _milliseconds(record.ended_at)
        self._client.set_terminated(run.info.run_id, "FINISHED", ended)
        return str(run.info.run_id)

    def _create(self, record: RunRecord) -> Any:
        started = _milliseconds(record.started_at)
        run = self._client.create_run(
            self._experiment_id, started, dict(record.tags), run_name=record.name
        )
        params = [self._entities.Param(k, v) for k, v in record.parameters.items()]
        for start in range(0, len(params), 100):
            self._client.log_batch(run.info.run_id, params=params[start : start + 100])
        return run

    def _log_epochs(self, run: str, record: RunRecord) -> None:
        metrics = [
            self._metric(name, value, _milliseconds(epoch.ended_at), epoch.number)
            for epoch in record.epochs
            for name, value in epoch.values.items()
        ]
        for start in range(0, len(metrics), _AT_ONCE):
            self._client.log_batch(run, metrics=metrics[start : start + _AT_ONCE])
        self._client.set_tag(run, _EPOCHS_LOGGED, len(record.epochs))

    def _metric(self, name: str, value: float, milliseconds: int, step: int) -> Any:
        return self._entities.Metric(name, value, milliseconds, step)

    def _find_experiment(self) -> str:
        found = self._client.get_experiment_by_name(self._experiment)
        return str(
            found.experiment_id if found else self._client.create_experiment(self._experiment)
        )

    def _find_run(self, run_id: str) -> Any:
        condition = f"tags.`{_RUN_ID}` = '{run_id}'"
        found = self._client.search_runs([self._experiment_id], condition, max_results=1)
        return found[0] if found else None

    def _call(self, operation: Any) -> Any:
        try:
            return operation()
        except (self._mlflow.exceptions.MlflowException, OSError) as error:
            raise TrackingError(
                f"tracking.mlflow={self._uri}: {_first_line(error)}. Check that a server of MLflow "
                "runs there and that this user may write to it, and run the same command again"
            ) from None


def _milliseconds(moment: datetime.datetime) -> int:
    """Milliseconds since 1970. A time without a zone is in this machine's, as Spark gives it."""
    return round(moment.timestamp() * 1000)


def _first_line(error: Exception) -> str:
    """What is wrong, without the page that a web server may have sent."""
    first = str(error).strip().partition("\n")[0] or type(error).__name__
    return first.partition(". Response body: '<")[0].removesuffix(".")
