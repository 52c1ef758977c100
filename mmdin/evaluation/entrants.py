"""Who is compared: the trained variants, the naive predictors, and the best possible."""

from collections.abc import Sequence

import yaml
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from mmdin.config import Config, Samples
from mmdin.fingerprints import trained_runs
from mmdin.predictors import BEST_POSSIBLE, NAIVE, naive_run_id
from mmdin.schemas import EXPERIMENTS, TRUE_PROBABILITIES
from mmdin.tables import Tables
from mmdin.variants import Plan, Variant


def list_entrants(spark: SparkSession, plan: Plan) -> DataFrame:
    """A row of EXPERIMENTS for each trained variant and seed, and for each predictor.

    Predictors are listed once for all variants whose test rows and statistics are the same.
    Raises TableError where a variant has no finished run on its newest samples.
    """
    rows = _list_naive(plan, NAIVE)
    for samples in plan.sample_sets():
        runs = trained_runs(Tables.of(spark, samples.config), samples.variants)
        rows += [
            _of_run(v, seed, runs[v.label, seed]["run_id"])
            for v in samples.variants
            for seed in v.config.training.seeds
        ]
    if Tables.of(spark, plan.config).exists(TRUE_PROBABILITIES):
        rows += _list_naive(plan, (BEST_POSSIBLE,))
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


def _list_naive(plan: Plan, predictors: Sequence[str]) -> list[tuple]:
    distinct: dict[Samples, Config] = {}
    for of_set in plan.sample_sets():
        config = of_set.config
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
