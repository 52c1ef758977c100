"""Exact metrics of the predictions with their uncertainty, and the table of variants."""

import csv
import functools
import io
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from mmdin.evaluation.comparison import (
    format_comparison,
    format_differences,
    format_effects,
    format_slices,
)
from mmdin.evaluation.competitors import Competitor, add_variant, first_runs, list_competitors
from mmdin.evaluation.counts import count_splits
from mmdin.evaluation.differences import compare_variants
from mmdin.evaluation.metrics import find_best_thresholds, measure_variants, of_kind
from mmdin.evaluation.planted import measure_effects
from mmdin.evaluation.sampling import sample_scores
from mmdin.evaluation.slices import add_slices, describe_slices, number_slices
from mmdin.local_rows import local_rows
from mmdin.metrics import ALL
from mmdin.report_files import METRICS_CSV
from mmdin.schemas import (
    CALIBRATION,
    DIFFERENCES,
    EXPERIMENTS,
    METRIC_INTERVALS,
    METRICS,
    PLANTED_EFFECTS,
    PREDICTIONS,
    SAMPLED_SCORES,
    SAMPLES,
    SPLIT_COUNTS,
    TRUE_PROBABILITIES,
    VALIDATION_PREDICTIONS,
    Table,
)
from mmdin.storage import files_at, join
from mmdin.tables import Tables
from mmdin.variants import Plan

log = logging.getLogger(__name__)

Rows = Sequence[Mapping[str, Any]]


def evaluate_variants(spark: SparkSession, plan: Plan) -> None:
    """Compare all variants and predictors on the test rows; log the table of them.

    Writes experiments, split_counts, metrics, metric_intervals, differences, calibration,
    sampled_scores, planted_effects if the world is generated, and report/metrics.csv.
    """
    config = plan.config
    tables = Tables.of(spark, config)
    samples = _read_samples(spark, plan)
    competitors = list_competitors(spark, plan)
    scored = _read_scored(tables, competitors)
    slices, names = number_slices(describe_slices(samples.where("split = 'test'")))
    log.info("evaluate: measuring %d runs and predictors", len(competitors))
    measured = measure_variants(add_slices(scored, slices), names).persist()
    runs = _in_order(of_kind(measured, "runs"), competitors)
    intervals = _in_order(of_kind(measured, "intervals"), competitors)
    log.info("evaluate: comparing every two of %d variants", len({r["variant"] for r in runs}))
    differences = compare_variants(pd.DataFrame(runs), of_kind(measured, "influences"))

    rows_of = {run["run_id"]: run["rows"] for run in runs}
    sampled = {run_id: rows_of[run_id] for run_id in first_runs(competitors) if run_id in rows_of}
    effects = _measure_effects(tables, scored.where(F.col("run_id").isin(list(sampled))))
    log.info("evaluate: counting splits, sampling scores for the figures, and writing the tables")
    few = {
        EXPERIMENTS: [c._asdict() for c in competitors],
        METRICS: runs,
        METRIC_INTERVALS: intervals,
        DIFFERENCES: differences,
    }
    if effects:
        few[PLANTED_EFFECTS] = effects
    tables.write_all(
        {
            SAMPLED_SCORES: sample_scores(scored, sampled, config.seed),
            SPLIT_COUNTS: count_splits(samples).coalesce(1),
            CALIBRATION: of_kind(measured, "bins").coalesce(1),
            **{table: _to_spark(spark, table, rows) for table, rows in few.items()},
        }
    )
    measured.unpersist()

    overall = [row for row in intervals if row["dimension"] == ALL]
    log.info("\n%s", format_comparison(overall, runs, config.samples))
    log.info("\n%s", format_slices(intervals))
    _log_by_variant(competitors, differences, effects)
    _write_csv(tables, runs)


def _log_by_variant(competitors: Sequence[Competitor], differences: Rows, effects: Rows) -> None:
    variants = list(dict.fromkeys(c.variant for c in competitors))
    of_auc = [row for row in differences if row["metric"] == "roc_auc"]
    log.info("\n%s", format_differences(of_auc, variants))
    if effects:
        log.info("\n%s", format_effects(effects, variants))


def _read_samples(spark: SparkSession, plan: Plan) -> DataFrame:
    """The samples of every set, with columns samples and protocol."""
    sets = [
        Tables.of(spark, of_set)
        .read(SAMPLES)
        .withColumns(
            {"samples": F.lit(of_set.samples.name), "protocol": F.lit(of_set.samples.protocol)}
        )
        for of_set in (samples.config for samples in plan.sample_sets())
    ]
    return functools.reduce(DataFrame.unionByName, sets)


def _read_scored(tables: Tables, competitors: Sequence[Competitor]) -> DataFrame:
    """The competitors' predictions; see add_variant."""
    predictions = tables.read(PREDICTIONS)
    validation = tables.read(VALIDATION_PREDICTIONS)
    thresholds = find_best_thresholds(validation, predictions, [c.run_id for c in competitors])
    return add_variant(predictions, competitors, thresholds)


def _measure_effects(tables: Tables, scored: DataFrame) -> list[dict[str, Any]]:
    """The rows of PLANTED_EFFECTS, none if the ratings are real."""
    if not tables.exists(TRUE_PROBABILITIES):
        return []
    log.info("evaluate: measuring what was found of the planted effects")
    measured = measure_effects(scored, tables.read(TRUE_PROBABILITIES))
    return [row.asDict() for row in measured.collect()]


def _in_order(measured: DataFrame, competitors: Iterable[Competitor]) -> list[dict[str, Any]]:
    """Rows of runs or variants, in the order in which variants are shown."""
    places = {c.variant: c.place for c in competitors}
    rows = [row.asDict(recursive=True) for row in measured.collect()]
    return sorted(
        rows,
        key=lambda r: (
            places[r["variant"]],
            r.get("seed") or 0,
            r.get("dimension", ""),
            r.get("slice", ""),
        ),
    )


def _to_spark(spark: SparkSession, table: Table, rows: Rows) -> DataFrame:
    """A table of rows that are few: as many as runs, variants, slices."""
    values = [tuple(row[column] for column in table.columns) for row in rows]
    return local_rows(spark, values, table.schema).coalesce(1)


def _write_csv(tables: Tables, runs: Rows) -> None:
    url = join(tables.root, METRICS_CSV)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, METRICS.columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(runs)
    files_at(tables.spark, url).write(url, text.getvalue().encode())
    log.info("evaluate: every run's metrics are in %s", url)
