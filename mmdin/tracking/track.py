"""Logging the training runs of a configuration, their report and their exports."""

import logging
from pathlib import Path

from pyspark.sql import SparkSession

from mmdin.config import Config
from mmdin.fingerprints import trained_runs
from mmdin.report_files import PAGE
from mmdin.storage import files_at, join, temporary_folder
from mmdin.storage.urls import last_name
from mmdin.tables import Tables
from mmdin.tracking.records import read_records
from mmdin.tracking.server import Server
from mmdin.variants import Plan

log = logging.getLogger(__name__)

_SECTIONS = ("samples", "networks", "training")
"""Sections of the configuration that are logged as parameters of a run."""


def track_runs(spark: SparkSession, plan: Plan) -> None:
    """Log every finished run of the configuration to tracking.mlflow, with the report.

    Raises:
        TableError: a variant has no finished run on its newest samples.
        TrackingError: the server does not answer, or refuses.
    """
    server = _server_of(plan.config)
    for samples in plan.sample_sets():
        tables = Tables.of(spark, samples.config)
        settings = {v.label: v.config.model_dump(include=set(_SECTIONS)) for v in samples.variants}
        for record in read_records(tables, trained_runs(tables, samples.variants), settings):
            server.log(record)
            _log_files(spark, server, record.run_id, join(plan.config.root, PAGE), "report")
            log.info("track: %s is in %s", record.name, plan.config.tracking.mlflow)


def track_export(spark: SparkSession, config: Config, export: str) -> None:
    """Log an export to its run in tracking.mlflow.

    Args:
        spark: session that reaches the root.
        config: of the job.
        export: path or URL of the export, whose last name is the run_id.

    Raises:
        TrackingError: the run has not been logged, or the server does not answer, or refuses.
    """
    run_id = last_name(export)
    _log_files(spark, _server_of(config), run_id, export, "export")
    log.info("export: is with run %s in %s", run_id, config.tracking.mlflow)


def _server_of(config: Config) -> Server:
    return Server(config.tracking.mlflow, config.name)


def _log_files(spark: SparkSession, server: Server, run_id: str, url: str, name: str) -> None:
    """Log a file, or the files of a folder, if there are any."""
    files = files_at(spark, url)
    with temporary_folder() as folder:
        for file in files.list(url, recursive=True):
            path = Path(folder, file.name or last_name(url))
            path.parent.mkdir(parents=True, exist_ok=True)
            files.get(join(url, file.name) if file.name else url, path)
        server.log_folder(run_id, Path(folder), name)
