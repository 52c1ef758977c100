"""Scores of the test and validation rows by every variant and by naive predictors."""

import functools
import logging

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from mmdin.fingerprints import trained_runs
from mmdin.networks import NETWORKS
from mmdin.predictors import BEST_POSSIBLE, NAIVE, naive_run_id
from mmdin.schemas import (
    ATTENTION_WEIGHTS,
    PREDICTIONS,
    SAMPLES,
    TRUE_PROBABILITIES,
    VALIDATION_PREDICTIONS,
    Table,
)
from mmdin.scoring.attention import choose_rows, weigh_history
from mmdin.scoring.naive import score_best_possible, score_naively
from mmdin.scoring.networks import score_with_network
from mmdin.tables import Tables
from mmdin.variants import Plan

log = logging.getLogger(__name__)


def score_variants(spark: SparkSession, plan: Plan) -> None:
    """Score test and validation rows by every variant and by naive predictors.

    Writes predictions, validation_predictions and attention_weights.
    """
    for samples in plan.sample_sets():
        _score_samples(spark, samples)


def _score_samples(spark: SparkSession, plan: Plan) -> None:
    config = plan.config
    tables = Tables.of(spark, config)
    trained = trained_runs(tables, plan.variants)
    samples = tables.read(SAMPLES, next(iter(trained.values()))["table_versions"]["samples"])
    held_out = samples.where(F.col("split").isin("validation", "test"))
    scored = [
        score_with_network(
            held_out, run["run_id"], run["model"], run["checkpoint"], config.scoring.batch_size
        )
        for run in trained.values()
    ]
    scored.append(_score_without_training(tables, samples))
    rows = functools.reduce(DataFrame.unionByName, scored).persist(StorageLevel.MEMORY_AND_DISK)
    for table, split in ((PREDICTIONS, "test"), (VALIDATION_PREDICTIONS, "validation")):
        _replace_runs(tables, table, rows.where(F.col("split") == split))
    rows.unpersist()
    chosen = choose_rows(samples.where("split = 'test'"), config.scoring, config.seed)
    for run in trained.values():
        if NETWORKS[run["model"]].has_attention:
            weights = weigh_history(chosen, run["run_id"], run["model"], run["checkpoint"])
            tables.replace(ATTENTION_WEIGHTS, weights, f"run_id = '{run['run_id']}'")


def _score_without_training(tables: Tables, samples: DataFrame) -> DataFrame:
    scored = score_naively(samples)
    if tables.exists(TRUE_PROBABILITIES):
        best = score_best_possible(samples, tables.read(TRUE_PROBABILITIES))
        scored = scored.unionByName(best)
    names = {p: naive_run_id(p, tables.samples) for p in (*NAIVE, BEST_POSSIBLE)}
    of_samples = F.create_map(*(F.lit(word) for pair in names.items() for word in pair))
    return scored.withColumn("run_id", of_samples[F.col("model")])


def _replace_runs(tables: Tables, table: Table, rows: DataFrame) -> None:
    counts = rows.groupBy("run_id").count().orderBy("run_id").collect()
    names = ", ".join(f"'{c['run_id']}'" for c in counts)
    tables.replace(table, rows.select(*PREDICTIONS.columns), f"run_id IN ({names})")
    for count in counts:
        log.info("score: %s rows of %s into %s", f"{count['count']:,}", count["run_id"], table.name)
