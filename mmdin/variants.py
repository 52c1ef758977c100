"""What is compared: the models under each variant of the configuration, and their training runs."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Row
from pyspark.sql import functions as F

from mmdin.config import Config, ModelName, Samples, change
from mmdin.errors import ConfigurationError, TableError
from mmdin.schemas import RUNS, SAMPLE_TABLES
from mmdin.stages import digest_code
from mmdin.tables import Tables

NAIVE = ("constant", "movie_mean", "mean_of_means")
"""The predictors that need no training, beside which every network is shown."""

BEST_POSSIBLE = "best_possible"
"""In an invented world, the predictor that knows the truth."""

_WITHOUT_EFFECT = {
    "models",
    "seeds",
    "start_timeout",
    "step_timeout",
    "horovod_cycle_ms",
    "restarts",
    "resume",
}
"""Keys of training that do not change what a run's weights come to."""


@dataclass(frozen=True)
class Variant:
    """A model under a variant of the configuration.

    label: what tables and figures call it; changes: of the configuration, by key; model: the
    network; config: the configuration with the changes made, with this one model.
    """

    label: str
    changes: Mapping[str, Any]
    model: ModelName
    config: Config


def plan_variants(config: Config) -> list[Variant]:
    """Every model of every variant, in the order in which they are shown.

    A variant is called by its model where nothing is changed, by its own name where it has one
    model, and otherwise by both. Variants that change samples share the first such one's samples.

    Raises ConfigurationError where a variant changes what variants must have in common, or two
    have one label.
    """
    variants = []
    named: dict[Samples, str] = {config.samples: config.samples.name}
    for name, changes in (config.experiment.variants or {"": {}}).items():
        changed = change(config, changes, f"experiment.variants: {name}")
        _refuse_other_changes(config, changed, name)
        samples_name = named.setdefault(changed.samples, re.sub(r"\W", "_", name))
        samples = changed.samples.model_copy(update={"name": samples_name})
        models = changed.training.models
        for model in models:
            training = changed.training.model_copy(update={"models": (model,)})
            label = name if name and len(models) == 1 else f"{model} ({name})" if name else model
            own = changed.model_copy(update={"samples": samples, "training": training})
            variants.append(Variant(label, changes, model, own))
    labels = [v.label for v in variants]
    if len(set(labels)) < len(labels):
        raise ConfigurationError(f"experiment.variants: two have one name: {', '.join(labels)}")
    return variants


def sample_sets(variants: list[Variant]) -> list[Config]:
    """A configuration for each set of samples that the variants take, in order."""
    sets: dict[str, Config] = {}
    for variant in variants:
        sets.setdefault(variant.config.samples.name, variant.config)
    return list(sets.values())


def fingerprint(variant: Variant, seed: int, versions: Mapping[str, int]) -> str:
    """Digest of what a training run's result depends on, besides the code.

    versions: of SAMPLE_TABLES, by name.
    """
    config = variant.config
    parts = {
        "model": variant.model,
        "seed": seed,
        "networks": config.networks.model_dump(mode="json"),
        "training": config.training.model_dump(mode="json", exclude=_WITHOUT_EFFECT),
        "samples": config.samples.model_dump(mode="json"),
        "versions": {table.name: versions[table.name] for table in SAMPLE_TABLES},
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def training_code() -> str:
    """Digest of the code that training runs."""
    return digest_code(("inputs.py", "networks.py", "models", "training", "dataset"))


def trained_runs(tables: Tables, variants: list[Variant]) -> dict[tuple[str, int], Row]:
    """The latest finished row of `runs` of each variant and seed, by (label, seed).

    Raises TableError where one is not trained on the newest samples.
    """
    wanted = {
        fingerprint(variant, seed, sample_versions(tables, variant)): (variant.label, seed)
        for variant in variants
        for seed in variant.config.training.seeds
    }
    runs = tables.read(RUNS).where("status = 'finished'")
    latest = runs.where(F.col("fingerprint").isin(list(wanted))).orderBy("started_at", "run_id")
    found = {wanted[r["fingerprint"]]: r for r in latest.collect()}
    missing = [f"{label} with seed {seed}" for label, seed in wanted.values() - found.keys()]
    if missing:
        raise TableError(
            f"no finished run of {', '.join(sorted(missing))} on the newest samples with this "
            "configuration: run train with it"
        )
    return {key: found[key] for key in wanted.values()}


def naive_run_id(predictor: str, samples_name: str) -> str:
    """The run_id of a predictor's scores of a set of samples."""
    return f"{predictor}-{samples_name}" if samples_name else predictor


def sample_versions(tables: Tables, variant: Variant) -> dict[str, int]:
    """The newest versions of SAMPLE_TABLES that a variant takes."""
    own = Tables.of(tables.spark, variant.config)
    return {table.name: own.version(table) for table in SAMPLE_TABLES}


def _refuse_other_changes(config: Config, changed: Config, name: str) -> None:
    allowed = {"samples", "networks", "training"}
    for section in type(config).model_fields:
        if section not in allowed and getattr(config, section) != getattr(changed, section):
            raise ConfigurationError(
                f"experiment.variants: {name}: changes {section}; variants may change samples, "
                "networks and training"
            )
    for key in ("ranks", "seeds"):
        if getattr(config.training, key) != getattr(changed.training, key):
            raise ConfigurationError(
                f"experiment.variants: {name}: changes training.{key}, which all variants share"
            )
