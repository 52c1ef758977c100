"""Reading configurations: YAML files, --set overrides and the changes of variants."""

import difflib
import types
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pydantic
import yaml

from mmdin.config.sections import Config, Section
from mmdin.errors import ConfigurationError

AnySection = TypeVar("AnySection", bound=Section)


def load_config(path: str, overrides: Iterable[str] = ()) -> Config:
    """Read a configuration file and apply overrides of the form `section.key=value`.

    Values of overrides are read as YAML. Raises ConfigurationError naming the key, the file or
    override it came from, and the nearest valid key.
    """
    values = _read_yaml(path)
    values.setdefault("name", Path(path).stem)
    _refuse_unknown_keys(values, Config, path)
    sources: dict[str, str] = {}
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key:
            raise ConfigurationError(f"--set {override}: write it as section.key=value")
        _refuse_unknown_keys(_nested(key, None), Config, f"--set {override}")
        _put(values, key, _parse_value(text, override))
        sources[key] = f"--set {override}"
    try:
        config = Config.model_validate(values)
    except pydantic.ValidationError as error:
        raise ConfigurationError(_explain(error, path, sources)) from None
    if not config.root:
        config = config.model_copy(update={"root": f"build/{config.name}"})
    for name, changes in config.experiment.variants.items():
        change(config, changes, f"{path}: experiment.variants: {name}")
    return config


def read_section(path: str, kind: type[AnySection]) -> AnySection:
    """Read a file that holds one section of its own kind, such as a cluster's.

    Raises ConfigurationError as load_config does.
    """
    values = _read_yaml(path)
    _refuse_unknown_keys(values, kind, path)
    try:
        return kind.model_validate(values)
    except pydantic.ValidationError as error:
        raise ConfigurationError(_explain(error, path, {})) from None


def change(config: Config, changes: Mapping[str, Any], source: str) -> Config:
    """The configuration with some keys, such as networks.heads, set to other values.

    Args:
        source: where the changes stand, for messages.

    Raises ConfigurationError as load_config does.
    """
    values = config.model_dump(mode="json")
    for key, value in changes.items():
        _refuse_unknown_keys(_nested(key, None), Config, source)
        _put(values, key, value)
    try:
        return Config.model_validate(values)
    except pydantic.ValidationError as error:
        raise ConfigurationError(_explain(error, source, {})) from None


def _read_yaml(path: str) -> dict[str, Any]:
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: is not YAML: {error}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigurationError(
            f"{path}: must hold sections such as `training:`, not a list or word"
        )
    return values


def _parse_value(text: str, override: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigurationError(f"--set {override}: the value is not YAML: {error}") from None


def _nested(key: str, value: Any) -> dict[str, Any]:
    head, _, rest = key.partition(".")
    return {head: _nested(rest, value) if rest else value}


def _put(values: dict[str, Any], key: str, value: Any) -> None:
    *sections, last = key.split(".")
    for section in sections:
        if not isinstance(values.get(section), dict):
            values[section] = {}
        values = values[section]
    values[last] = value


def _section_of(annotation: Any) -> type[Section] | None:
    is_class = isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias)
    return annotation if is_class and issubclass(annotation, Section) else None


def _valid_keys(section: type[Section], prefix: str = "") -> list[str]:
    keys = []
    for name, field in section.model_fields.items():
        keys.append(prefix + name)
        if inner := _section_of(field.annotation):
            keys += _valid_keys(inner, f"{prefix}{name}.")
    return keys


def _refuse_unknown_keys(values: dict[Any, Any], whole: type[Section], source: str) -> None:
    def refuse(values: dict[Any, Any], section: type[Section], prefix: str) -> None:
        for name, value in values.items():
            key = f"{prefix}{name}"
            if name not in section.model_fields:
                raise ConfigurationError(f"{source}: unknown key {key}{_nearest(key, whole)}")
            inner = _section_of(section.model_fields[name].annotation)
            if inner and isinstance(value, dict):
                refuse(value, inner, f"{key}.")

    refuse(values, whole, "")


def _nearest(key: str, whole: type[Section]) -> str:
    keys = _valid_keys(whole)
    by_last_word = [k for k in keys if k.split(".")[-1] == key.split(".")[-1]]
    matches = by_last_word or difflib.get_close_matches(key, keys, n=1, cutoff=0.0)
    return f"; did you mean {matches[0]}?"


def _explain(error: pydantic.ValidationError, path: str, sources: dict[str, str]) -> str:
    lines = []
    for problem in error.errors():
        parts = [str(p) for p in problem["loc"]]
        key = ".".join(p for p in parts if not p.isdigit())
        source = sources.get(key, path)
        got = problem["input"]
        said = problem["msg"].removeprefix("Value error, ")
        shown = "" if isinstance(got, dict | Section) else f", got {got!r}"
        lines.append(f"{source}: {key}: {said}{shown}" if key else f"{source}: {said}")
    return "\n".join(lines)
