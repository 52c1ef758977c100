"""Scores of the test and validation rows by every variant and by predictors."""

import functools
import logging
from collections.abc import Iterable

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from mmdin.fingerprints import trained_runs
from mmdin.networks import NETWORKS
from mmdin.schemas import (
    ATTENTION_WEIGHTS,
    PREDICTIONS,
    SAMPLES,
    TRUE_PROBABILITIES,
    VALIDATION_PREDICTIONS,
)
from mmdin.scoring.attention import choose_rows, weigh_history
from mmdin.scoring.combined import add_combined
from mmdin.scoring.fitted import fitted_scores
from mmdin.scoring.naive import add_truth, best_possible_score, fit_naive, naive_scores
from mmdin.scoring.networks import TrainedRun, add_network_scores, in_passes, network_scores
from mmdin.scoring.scored import count_scores, list_scores, with_scores
from mmdin.storage import join
from mmdin.tables import Tables
from mmdin.variants import Plan

log = logging.getLogger(__name__)


def score_variants(spark: SparkSession, plan: Plan) -> None:
    """Score test and validation rows by every variant and by predictors.

    Writes predictions, validation_predictions and attention_weights, each once.
    """
    config = plan.config
    scored: list[DataFrame] = []
    weights: list[DataFrame] = []
    attentive: list[TrainedRun] = []
    for samples in plan.sample_sets():
        tables = Tables.of(spark, samples.config)
        by_variant = trained_runs(tables, samples.variants)
        trained = by_variant.values()
        rows = tables.read(SAMPLES, next(iter(trained))["table_versions"]["samples"])
        runs = [
            # Not its column checkpoint: the root may have been moved.
            TrainedRun(r["run_id"], r["model"], join(config.root, "checkpoints", r["run_id"]))
            for r in trained
        ]
        counts = next(iter(trained))["rows"]
        parts = [
            *_score_rows(tables, rows, runs, config.scoring.batch_size),
            *fitted_scores(rows, sum(counts.values()), samples.config),
        ]
        scored += add_combined(parts, by_variant, counts["validation"], samples.config)
        with_attention = [run for run in runs if NETWORKS[run.model].has_attention]
        if with_attention:
            chosen = choose_rows(rows.where("split = 'test'"), config.scoring, config.seed)
            weights.append(weigh_history(chosen, with_attention))
            attentive += with_attention
    tables = Tables.of(spark, config)
    _write_scores(tables, _union(scored).persist(StorageLevel.MEMORY_AND_DISK))
    for part in scored:
        part.unpersist()
    if weights:
        condition = _any_of(run.run_id for run in attentive)
        tables.replace(ATTENTION_WEIGHTS, _union(weights).coalesce(1), condition)


def _score_rows(
    tables: Tables, samples: DataFrame, runs: list[TrainedRun], batch_size: int
) -> list[DataFrame]:
    """A set of samples as scored by its networks and its predictors, in parts.

    One pass over the rows scores them with the first networks and with all predictors.
    """
    held_out = samples.where(F.col("split").isin("validation", "test"))
    first, *others = in_passes(tables.spark, runs)
    rows = add_network_scores(held_out, first, batch_size)
    scores = [*network_scores(first), *naive_scores(fit_naive(samples), tables.samples)]
    if tables.exists(TRUE_PROBABILITIES):
        rows = add_truth(rows, tables.read(TRUE_PROBABILITIES))
        scores.append(best_possible_score(tables.samples))
    more = [
        with_scores(add_network_scores(held_out, group, batch_size), network_scores(group))
        for group in others
    ]
    return [with_scores(rows, scores), *more]


def _write_scores(tables: Tables, scored: DataFrame) -> None:
    counts = count_scores(scored)
    for table, split in ((PREDICTIONS, "test"), (VALIDATION_PREDICTIONS, "validation")):
        rows = list_scores(scored.where(F.col("split") == split)).select(*table.columns)
        tables.replace(table, rows, _any_of(counts[split]))
        for run_id, count in counts[split].items():
            log.info("score: %s rows of %s into %s", f"{count:,}", run_id, table.name)
    scored.unpersist()


def _union(parts: Iterable[DataFrame]) -> DataFrame:
    return functools.reduce(DataFrame.unionByName, parts)


def _any_of(run_ids: Iterable[str]) -> str:
    quoted = ", ".join(f"'{run_id}'" for run_id in run_ids)
    return f"run_id IN ({quoted})"
