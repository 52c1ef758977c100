"""Who is compared: the trained variants, the naive predictors, and the best possible."""

from collections.abc import Sequence

import yaml
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from mmdin.config import Config, Samples
from mmdin.schemas import EXPERIMENTS, TRUE_PROBABILITIES
from mmdin.tables import Tables
from mmdin.variants import (
    BEST_POSSIBLE,
    NAIVE,
    Variant,
    naive_run_id,
    plan_variants,
    sample_sets,
    trained_runs,
)


def list_entrants(spark: SparkSession, config: Config) -> DataFrame:
    """A row of EXPERIMENTS for each trained variant and seed, and for each predictor.

    Predictors are listed once for all variants whose test rows and statistics are the same.
    Raises TableError where a variant has no finished run on its newest samples.
    """
    variants = plan_variants(config)
    rows = _list_naive(variants, NAIVE)
    for samples in sample_sets(variants):
        own = [v for v in variants if v.config.samples.name == samples.samples.name]
        runs = trained_runs(Tables.of(spark, samples), own)
        rows += [
            _of_run(v, seed, runs[v.label, seed]["run_id"])
            for v in own
            for seed in v.config.training.seeds
        ]
    if Tables.of(spark, config).exists(TRUE_PROBABILITIES):
        rows += _list_naive(variants, (BEST_POSSIBLE,))
    labels = list(dict.fromkeys(row[0] for row in rows))
    return spark.createDataFrame([(*row, labels.index(row[0])) for row in rows], EXPERIMENTS.schema)


def add_variant(predictions: DataFrame, entrants: DataFrame) -> DataFrame:
    """The entrants' predictions, with variant, model, seed, protocol, samples and place."""
    named = entrants.drop("changes")
    return predictions.drop("model").join(F.broadcast(named), on="run_id", how="inner")


def _of_run(variant: Variant, seed: int, run_id: str) -> tuple:
    samples = variant.config.samples
    changes = yaml.safe_dump(dict(variant.changes), sort_keys=False) if variant.changes else ""
    return (variant.label, changes, variant.model, seed, samples.name, samples.protocol, run_id)


def _list_naive(variants: Sequence[Variant], predictors: Sequence[str]) -> list[tuple]:
    distinct: dict[Samples, Config] = {}
    for config in sample_sets(list(variants)):
        distinct.setdefault(_what_predictors_see(config.samples), config)
    rows = []
    for config in distinct.values():
        samples = config.samples
        of_samples = f" ({samples.name or samples.protocol})" if len(distinct) > 1 else ""
        rows += [
            (
                p + of_samples,
                "",
                p,
                None,
                samples.name,
                samples.protocol,
                naive_run_id(p, samples.name),
            )
            for p in predictors
        ]
    return rows


def _what_predictors_see(samples: Samples) -> Samples:
    unseen = {"name": "", "shuffle_posters": False, "buckets": 2, "files": 1}
    return samples.model_copy(update=unseen)
