"""Who is compared: the trained variants, the naive predictors, and the best possible."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import yaml
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, StructField, StructType

from mmdin.config import Config, Samples
from mmdin.fingerprints import trained_runs
from mmdin.local_rows import local_rows
from mmdin.predictors import BEST_POSSIBLE, FITTED, NAIVE, ensemble_run_id, naive_run_id
from mmdin.schemas import EXPERIMENTS, TRUE_PROBABILITIES
from mmdin.tables import Tables
from mmdin.variants import Plan, Variant

_COMPETING = StructType([f for f in EXPERIMENTS.schema if f.name != "changes"]).add(
    StructField("best_threshold", DoubleType())
)


class Competitor(NamedTuple):
    """A row of EXPERIMENTS: a trained variant with one seed, or a predictor."""

    variant: str
    changes: str
    model: str
    seed: int | None
    samples: str
    protocol: str
    run_id: str
    place: int = 0


def list_competitors(spark: SparkSession, plan: Plan) -> list[Competitor]:
    """Every trained variant with every seed, and every predictor, in the order to be shown.

    Ensembles and the stack are behind the networks.

    Naive predictors are listed once for all variants whose test rows and statistics are the same;
    fitted ones for each set of samples.

    Raises:
        TableError: a variant has no finished run on its newest samples.
    """
    competitors = _list_predictors(plan, NAIVE, _what_naive_predictors_see)
    wanted = plan.config.scoring.predictors
    competitors += _list_predictors(plan, [p for p in wanted if p in FITTED], _whole)
    for samples in plan.sample_sets():
        found = trained_runs(Tables.of(spark, samples.config), samples.variants)
        runs = {key: str(run["run_id"]) for key, run in found.items()}
        competitors += [
            _of_run(v, seed, runs[v.label, seed])
            for v in samples.variants
            for seed in v.config.training.seeds
        ]
        if "ensemble" in wanted:
            competitors += [_of_ensemble(v, runs) for v in samples.variants]
    competitors += _list_predictors(plan, [p for p in wanted if p == "stack"], _whole)
    if Tables.of(spark, plan.config).exists(TRUE_PROBABILITIES):
        competitors += _list_predictors(plan, (BEST_POSSIBLE,), _what_naive_predictors_see)
    names = list(dict.fromkeys(c.variant for c in competitors))
    return [c._replace(place=names.index(c.variant)) for c in competitors]


def add_variant(
    predictions: DataFrame,
    competitors: Sequence[Competitor],
    thresholds: Mapping[str, float | None],
) -> DataFrame:
    """The competitors' predictions with their variant.

    Args:
        predictions: columns of PREDICTIONS.
        competitors: of list_competitors.
        thresholds: best_threshold by run_id.

    Returns:
        Also variant, seed, protocol, samples, place and best_threshold.
    """
    rows = []
    for competitor in competitors:
        values = {**competitor._asdict(), "best_threshold": thresholds.get(competitor.run_id)}
        rows.append(tuple(values[name] for name in _COMPETING.names))
    competing = local_rows(predictions.sparkSession, rows, _COMPETING)
    return predictions.drop("model").join(F.broadcast(competing), on="run_id", how="inner")


def first_runs(competitors: Sequence[Competitor]) -> list[str]:
    """The run_id of the lowest seed of each variant."""
    by_variant: dict[str, Competitor] = {}
    for competitor in sorted(competitors, key=lambda c: c.seed or 0):
        by_variant.setdefault(competitor.variant, competitor)
    return [competitor.run_id for competitor in by_variant.values()]


def _of_run(variant: Variant, seed: int, run_id: str) -> Competitor:
    samples = variant.config.samples
    changes = yaml.safe_dump(dict(variant.changes), sort_keys=False) if variant.changes else ""
    return Competitor(
        variant.label, changes, variant.model, seed, samples.name, samples.protocol, run_id
    )


def _of_ensemble(variant: Variant, runs: Mapping[tuple[str, int], str]) -> Competitor:
    samples = variant.config.samples
    run_ids = [runs[variant.label, seed] for seed in variant.config.training.seeds]
    label, run_id = f"ensemble of {variant.label}", ensemble_run_id(run_ids)
    return Competitor(label, "", "ensemble", None, samples.name, samples.protocol, run_id)


def _list_predictors(
    plan: Plan, predictors: Sequence[str], what_they_see: Callable[[Samples], Samples]
) -> list[Competitor]:
    distinct: dict[Samples, Config] = {}
    for of_set in plan.sample_sets():
        config = of_set.config
        distinct.setdefault(what_they_see(config.samples), config)
    competitors = []
    for config in distinct.values():
        samples = config.samples
        of_samples = f" ({samples.name or samples.protocol})" if len(distinct) > 1 else ""
        competitors += [
            Competitor(
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
    return competitors


def _whole(samples: Samples) -> Samples:
    return samples


def _what_naive_predictors_see(samples: Samples) -> Samples:
    unseen = {"name": "", "shuffle_posters": False, "buckets": 2, "files": 1}
    return samples.model_copy(update=unseen)
