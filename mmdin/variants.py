"""What is compared: the models under each variant of the configuration."""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from mmdin.config import Config, ModelName, Samples, change
from mmdin.errors import ConfigurationError


@dataclass(frozen=True)
class Variant:
    """A model under a variant of the configuration.

    Attributes:
        label: its name in tables and figures.
        changes: of the configuration, by key.
        model: the network.
        config: the configuration with these changes and this one model.
    """

    label: str
    changes: Mapping[str, Any]
    model: ModelName
    config: Config


@dataclass(frozen=True)
class Plan:
    """What a job works on: its configuration, and the variants that follow from it.

    Attributes:
        config: the configuration.
        variants: every model of every variant, in the order in which they are shown.
    """

    config: Config
    variants: tuple[Variant, ...]

    def sample_sets(self) -> list["Plan"]:
        """A plan for each set of samples, with the variants that take it, in order.

        Its configuration is that of the set's first variant.
        """
        sets: dict[str, list[Variant]] = {}
        for variant in self.variants:
            sets.setdefault(variant.config.samples.name, []).append(variant)
        return [Plan(variants[0].config, tuple(variants)) for variants in sets.values()]


def plan_variants(config: Config) -> Plan:
    """Plan every model of every variant.

    A variant is named by its model if it changes nothing, by its own name if it has one model, and
    otherwise by both. Variants that change samples in the same way share them; others have their
    own, also if their names differ only in characters that tables' names cannot have.

    Raises:
        ConfigurationError: if a variant changes what all variants share, or two have one label.
    """
    variants: list[Variant] = []
    names: dict[Samples, str] = {config.samples: config.samples.name}
    for name, changes in (config.experiment.variants or {"": {}}).items():
        changed = change(config, changes, f"experiment.variants: {name}")
        _refuse_other_changes(config, changed, name)
        if changed.samples not in names:
            names[changed.samples] = _name_samples(name, names.values())
        samples_name = names[changed.samples]
        samples = changed.samples.model_copy(update={"name": samples_name})
        variants += _each_model(name, changes, changed.model_copy(update={"samples": samples}))
    labels = [v.label for v in variants]
    if len(set(labels)) < len(labels):
        raise ConfigurationError(f"experiment.variants: two have one name: {', '.join(labels)}")
    return Plan(config, tuple(variants))


def _name_samples(variant: str, taken: Collection[str]) -> str:
    """A name for a variant's samples. Catalogs do not distinguish upper case from lower."""
    name = re.sub(r"\W", "_", variant)
    if name.lower() not in {t.lower() for t in taken}:
        return name
    return f"{name}_{hashlib.sha256(variant.encode()).hexdigest()[:8]}"


def _each_model(name: str, changes: Mapping[str, Any], config: Config) -> list[Variant]:
    models = config.training.models
    variants = []
    for model in models:
        training = config.training.model_copy(update={"models": (model,)})
        label = name if name and len(models) == 1 else f"{model} ({name})" if name else model
        changed = config.model_copy(update={"training": training})
        variants.append(Variant(label, changes, model, changed))
    return variants


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
