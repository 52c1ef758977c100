"""Reading the report's data back from the tables that hold it."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from invented_data import invent
from pyspark.sql import SparkSession
from pyspark.sql import types as t

from mmdin import schemas
from mmdin.config import Config
from mmdin.errors import TableError
from mmdin.local_rows import local_rows
from mmdin.report.report_data import ReportData, read_report_data
from mmdin.schemas import ATTENTION_WEIGHTS, MOVIES, POSTERS, Table
from mmdin.tables import Tables

FRAMES = [f.name for f in fields(ReportData) if f.name not in ("posters", "titles")]

MOST_JOBS = 18
"""Spark jobs that reading may start: one for each table."""


@pytest.fixture(scope="module")
def data() -> ReportData:
    return invent()


@pytest.fixture(scope="module")
def config(spark: SparkSession, data: ReportData, tmp_path_factory: Any) -> Config:
    """A root with the tables of the data, in another order, and with rows that are not shown."""
    root = tmp_path_factory.mktemp("tables [of a report]")
    config = Config.model_validate({"name": "invented", "root": str(root)})
    for name in FRAMES:
        rows = getattr(data, name)
        if name in ("runs", "epochs", "recommendations"):
            rows = pd.concat([rows, rows[:1].assign(run_id="of another experiment")])
        if name in ("recommendations", "reasons"):
            rows = pd.concat([rows, rows.assign(user_id=8)])
        _write(spark, config, getattr(schemas, name.upper()), rows[::-1].to_dict("records"))
    movies = [{"movie_id": m, "title": title} for m, title in data.titles.items()]
    _write(spark, config, MOVIES, [*movies, {"movie_id": 1, "title": "not shown"}])
    posters = [{"movie_id": m, "status": "ok", "bytes": b} for m, b in data.posters.items()]
    for movie_id, status in ((1, "ok"), (min(data.titles), "corrupt image")):
        posters.append({"movie_id": movie_id, "status": status, "bytes": b"not shown"})
    _write(spark, config, POSTERS, posters)
    return config


def _write(spark: SparkSession, config: Config, table: Table, rows: list[dict[str, Any]]) -> None:
    values = [tuple(_plain(row.get(f.name), f.dataType) for f in table.schema) for row in rows]
    Tables.of(spark, config).write(table, local_rows(spark, values, table.schema))


def _plain(value: Any, type_: t.DataType) -> Any:
    """A value as Spark takes it: null for nan, whole numbers as int, moments with their zone."""
    if isinstance(value, dict | bytes):
        return value
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.tz_localize("UTC").to_pydatetime()
    if isinstance(type_, t.LongType | t.IntegerType):
        return int(value)
    return float(value) if isinstance(type_, t.DoubleType) else value


def _known(values: pd.Series) -> list[Any]:
    return [v if isinstance(v, dict) else None if pd.isna(v) else v for v in values]


def test_the_data_is_what_the_tables_hold_in_few_jobs(
    spark: SparkSession, config: Config, data: ReportData
) -> None:
    scheduler = spark.sparkContext._jsc.sc().dagScheduler()
    before = scheduler.numTotalJobs()
    read = read_report_data(spark, config)
    assert scheduler.numTotalJobs() - before <= MOST_JOBS
    keys = {
        "input_counts": ["file", "outcome", "reason"],
        "split_counts": ["samples", "split"],
        "metrics": ["run_id"],
        "metric_intervals": ["variant", "dimension", "slice", "metric"],
        "differences": ["variant", "other", "metric"],
        "runs": ["run_id"],
        "calibration": ["run_id", "dimension", "slice", "bin"],
        "sampled_scores": ["run_id", "row"],
        "planted_effects": ["run_id", "effect"],
        "epochs": ["run_id", "epoch"],
        "attention_weights": ["user_id", "movie_id", "run_id", "position"],
        "ranking_metrics": ["slice", "method", "metric"],
        "ranking_differences": ["slice", "method", "other", "metric"],
    }
    for name in FRAMES:
        expected, actual = getattr(data, name), getattr(read, name)
        if name == "attention_weights":
            expected = expected[expected["run_id"].isin(data.first_run_of().values())]
        if name in keys:
            expected = expected.sort_values(keys[name])
        in_any_order = ("split_counts", "metrics", "metric_intervals", "differences", "runs")
        if name in (*in_any_order, "planted_effects", "ranking_metrics", "ranking_differences"):
            actual = actual.sort_values(keys[name])
        assert len(actual) == len(expected), name
        for column in {*expected} & {*getattr(schemas, name.upper()).columns}:
            assert _known(actual[column]) == _known(expected[column]), (name, column)
    assert read.titles == data.titles
    assert read.posters == data.posters


def test_without_attention_weights_no_poster_is_shown(
    spark: SparkSession, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    exists = Tables.exists
    monkeypatch.setattr(
        Tables, "exists", lambda self, table: table is not ATTENTION_WEIGHTS and exists(self, table)
    )
    read = read_report_data(spark, config)
    assert list(read.attention_weights) == ATTENTION_WEIGHTS.columns
    assert (len(read.attention_weights), read.posters) == (0, {})
    assert set(read.titles) == {*read.recommendations["movie_id"], *read.reasons["liked_movie_id"]}


def test_a_missing_table_is_an_error_that_names_its_job(
    spark: SparkSession, tmp_path: Path
) -> None:
    config = Config.model_validate({"name": "empty", "root": str(tmp_path)})
    with pytest.raises(TableError, match="evaluate"):
        read_report_data(spark, config)
