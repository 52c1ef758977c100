"""Exact metrics of the predictions with their uncertainty, and the table of variants."""

import csv
import functools
import io
import logging

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from mmdin.config import Config
from mmdin.evaluation.calibration import calibrate, calibration_errors
from mmdin.evaluation.comparison import format_comparison, format_differences
from mmdin.evaluation.counts import count_splits
from mmdin.evaluation.differences import compare_variants
from mmdin.evaluation.entrants import add_variant, list_entrants
from mmdin.evaluation.metrics import (
    find_best_thresholds,
    influences_of_users,
    measure_runs,
    measure_slices,
    refuse_bad_scores,
)
from mmdin.evaluation.sampling import sample_scores
from mmdin.evaluation.slices import ALL, add_slices, describe_slices
from mmdin.schemas import (
    CALIBRATION,
    DIFFERENCES,
    EXPERIMENTS,
    METRIC_INTERVALS,
    METRICS,
    PREDICTIONS,
    SAMPLED_SCORES,
    SAMPLES,
    SPLIT_COUNTS,
    VALIDATION_PREDICTIONS,
)
from mmdin.storage import files_at, join
from mmdin.tables import Tables
from mmdin.variants import Plan

log = logging.getLogger(__name__)


def evaluate_variants(spark: SparkSession, plan: Plan) -> None:
    """Compare all variants and predictors on the test rows; prints the table of them.

    Writes experiments, split_counts, metrics, metric_intervals, differences, calibration,
    sampled_scores, and report/metrics.csv.
    """
    tables = Tables.of(spark, plan.config)
    tables.write(EXPERIMENTS, list_entrants(spark, plan))
    entrants = tables.read(EXPERIMENTS)
    _write_counts(tables, plan)
    scored = _score_of_entrants(tables, entrants).persist(StorageLevel.MEMORY_AND_DISK)
    calibration = calibrate(scored)
    tables.write(CALIBRATION, calibration)
    errors = calibration_errors(tables.read(CALIBRATION))
    tables.write(METRICS, measure_runs(scored).join(errors, on="run_id", how="inner"))
    tables.write(METRIC_INTERVALS, measure_slices(add_slices(scored, _slices(spark, plan))))
    _write_differences(tables, scored)
    tables.write(SAMPLED_SCORES, sample_scores(scored, plan.config.seed))
    scored.unpersist()
    _show(tables, plan.config)


def _score_of_entrants(tables: Tables, entrants: DataFrame) -> DataFrame:
    predictions, validation = tables.read(PREDICTIONS), tables.read(VALIDATION_PREDICTIONS)
    for rows in (predictions, validation):
        refuse_bad_scores(rows)
    chosen = entrants.select("run_id")
    thresholds = find_best_thresholds(validation.join(chosen, on="run_id", how="left_semi"))
    return add_variant(predictions, entrants).join(thresholds, on="run_id", how="left")


def _write_counts(tables: Tables, plan: Plan) -> None:
    counts = [
        count_splits(
            Tables.of(tables.spark, own).read(SAMPLES), own.samples.name, own.samples.protocol
        )
        for own in (samples.config for samples in plan.sample_sets())
    ]
    tables.write(SPLIT_COUNTS, functools.reduce(DataFrame.unionByName, counts))


def _slices(spark: SparkSession, plan: Plan) -> DataFrame:
    slices = [
        describe_slices(
            Tables.of(spark, own).read(SAMPLES).where("split = 'test'"), own.samples.name
        )
        for own in (samples.config for samples in plan.sample_sets())
    ]
    return functools.reduce(DataFrame.unionByName, slices)


def _write_differences(tables: Tables, scored: DataFrame) -> None:
    rows = compare_variants(tables.read(METRICS).toPandas(), influences_of_users(scored))
    values = [tuple(row[c] for c in DIFFERENCES.columns) for row in rows]
    tables.write(DIFFERENCES, tables.spark.createDataFrame(values, DIFFERENCES.schema))


def _show(tables: Tables, config: Config) -> None:
    in_order = tables.read(EXPERIMENTS).orderBy("place").collect()
    places = {r["variant"]: r["place"] for r in in_order}
    metrics = [r.asDict() for r in tables.read(METRICS).collect()]
    metrics.sort(key=lambda r: (places[r["variant"]], r["seed"] or 0))
    overall = tables.read(METRIC_INTERVALS).where(F.col("dimension") == ALL).collect()
    differences = tables.read(DIFFERENCES).where("metric = 'roc_auc'").collect()
    shown = sorted((r.asDict() for r in overall), key=lambda r: places[r["variant"]])
    log.info("\n%s", format_comparison(shown, metrics, config.samples))
    log.info("\n%s", format_differences([r.asDict() for r in differences], list(places)))
    url = join(config.root, "report", "metrics.csv")
    written = io.StringIO(newline="")
    writer = csv.DictWriter(written, METRICS.columns)
    writer.writeheader()
    writer.writerows(metrics)
    files_at(tables.spark, url).write(url, written.getvalue().encode())
    log.info("evaluate: every run's metrics are in %s", url)
