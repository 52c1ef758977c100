"""Which training runs belong to a configuration: by digests of what their results depend on."""

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import Row
from pyspark.sql import functions as F

from mmdin.code_digest import digest_module
from mmdin.config import Training
from mmdin.errors import TableError
from mmdin.schemas import RUNS, SAMPLE_TABLES
from mmdin.tables import Tables
from mmdin.variants import Variant

_WITHOUT_EFFECT = {
    "models",
    "seeds",
    "start_timeout",
    "step_timeout",
    "horovod_cycle_ms",
    "restarts",
    "resume",
}
"""Keys of training that do not change a run's weights."""

RUN_SETTINGS = (
    "samples",
    "networks",
    "training.models",
    "training.seeds",
    *(f"training.{key}" for key in Training.model_fields if key not in _WITHOUT_EFFECT),
    "experiment.variants",
)
"""Keys of the configuration on which it depends which runs trained_runs finds."""

_RANK_CODE = (
    "mmdin/inputs.py",
    "mmdin/networks.py",
    "mmdin/roc_auc.py",
    "mmdin/models",
    "mmdin/dataset",
    "mmdin/training",
)
"""Files and folders whose code decides a run's weights, of those that a rank runs."""


def fingerprint(variant: Variant, seed: int, samples: Mapping[str, str]) -> str:
    """Digest of what a training run's result depends on, without the code.

    Args:
        variant: what is trained.
        seed: of the run.
        samples: as of sample_identities.
    """
    return fingerprint_of(variant.model, seed, variant.config.model_dump(mode="json"), samples)


def fingerprint_of(
    model: str, seed: int, settings: Mapping[str, Any], samples: Mapping[str, str]
) -> str:
    """The fingerprint of a run, of its configuration as column configuration of `runs` holds it.

    Args:
        model: that is trained.
        seed: of the run.
        settings: sections of the configuration by name, in values of JSON.
        samples: as of sample_identities.
    """
    training = {k: v for k, v in settings["training"].items() if k not in _WITHOUT_EFFECT}
    parts = {
        "model": model,
        "seed": seed,
        "networks": settings["networks"],
        "training": training,
        "samples": settings["samples"],
        "tables": {table.name: samples[table.name] for table in SAMPLE_TABLES},
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def sample_versions(tables: Tables) -> dict[str, int]:
    """The newest version of each of SAMPLE_TABLES, by name.

    Raises:
        TableError: if one is missing.
    """
    return {table.name: tables.version(table) for table in SAMPLE_TABLES}


def sample_identities(tables: Tables, versions: Mapping[str, int]) -> dict[str, str]:
    """Delta's id and the given version of each of SAMPLE_TABLES, by name.

    Tables that were deleted and written again can have the same versions, but have other ids. Their
    places are not in it: a root that was moved keeps its runs.
    """
    return {t.name: f"{tables.delta_id(t)} {versions[t.name]}" for t in SAMPLE_TABLES}


@functools.cache
def training_code() -> str:
    """Digest of the code on which a run's weights depend; only the same code resumes a run."""
    return digest_module("mmdin.training.rank.loop", within=_RANK_CODE)


def trained_runs(tables: Tables, variants: Sequence[Variant]) -> dict[tuple[str, int], Row]:
    """The latest finished row of `runs` of each variant and seed, by (label, seed).

    Args:
        tables: of the variants' one set of samples.
        variants: all on the same samples.

    Raises:
        TableError: if one has no finished run on the newest samples.
    """
    samples = sample_identities(tables, sample_versions(tables))
    wanted = {
        fingerprint(variant, seed, samples): (variant.label, seed)
        for variant in variants
        for seed in variant.config.training.seeds
    }
    runs = tables.read(RUNS).where("status = 'finished'")
    finished = runs.where(F.col("fingerprint").isin(list(wanted))).collect()
    # Sorting a few rows here saves two Spark jobs.
    finished.sort(key=lambda r: (r["started_at"], r["run_id"]))
    found = {wanted[r["fingerprint"]]: r for r in finished}
    missing = [f"{label} with seed {seed}" for label, seed in wanted.values() - found.keys()]
    if missing:
        raise TableError(
            f"no finished run of {', '.join(sorted(missing))} on the newest samples with this "
            "configuration: run train with it"
        )
    return {key: found[key] for key in wanted.values()}
