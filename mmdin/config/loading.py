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

_SIMILAR = 0.5
"""Similarity, by difflib's ratio, from which an unknown key is taken for a misspelt one."""


def load_config(path: str, overrides: Iterable[str] = ()) -> Config:
    """Read a configuration file and apply overrides.

    Args:
        path: of the YAML file.
        overrides: each of the form `section.key=value`; values are read as YAML.

    Returns:
        The configuration, with its name and root set.

    Raises:
        ConfigurationError: if the file or an override is not valid; names the key, the file or
            override that it came from, and what would be valid.
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
    config = _validate(Config, values, path, sources)
    if not config.root:
        config = config.model_copy(update={"root": f"build/{config.name}"})
    for name, changes in config.experiment.variants.items():
        change(config, changes, f"{path}: experiment.variants: {name}")
    return config


def read_section(path: str, kind: type[AnySection]) -> AnySection:
    """Read a file that holds a single section, such as a cluster's.

    Args:
        path: of the YAML file.
        kind: class of the section.

    Returns:
        The section.

    Raises:
        ConfigurationError: as load_config does.
    """
    values = _read_yaml(path)
    _refuse_unknown_keys(values, kind, path)
    return _validate(kind, values, path)


def change(config: Config, changes: Mapping[str, Any], source: str) -> Config:
    """Set some keys of a configuration to other values.

    Args:
        config: the configuration, which stays unchanged.
        changes: values by key, such as networks.heads.
        source: where the changes come from, for messages.

    Returns:
        A new configuration.

    Raises:
        ConfigurationError: as load_config does.
    """
    values = config.model_dump(mode="json")
    for key, value in changes.items():
        _refuse_unknown_keys(_nested(key, None), Config, source)
        _put(values, key, value)
    return _validate(Config, values, source)


def _validate(
    kind: type[AnySection],
    values: dict[str, Any],
    source: str,
    sources_of_keys: Mapping[str, str] = types.MappingProxyType({}),
) -> AnySection:
    try:
        return kind.model_validate(values)
    except pydantic.ValidationError as error:
        raise ConfigurationError(_explain(error, source, sources_of_keys)) from None


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


def _refuse_unknown_keys(values: dict[Any, Any], whole: type[Section], source: str) -> None:
    def refuse(values: dict[Any, Any], section: type[Section], prefix: str) -> None:
        for name, value in values.items():
            if name not in section.model_fields:
                hint = _hint(str(name), prefix, section, whole)
                raise ConfigurationError(f"{source}: unknown key {prefix}{name}; {hint}")
            inner = _section_of(section.model_fields[name].annotation)
            if inner and isinstance(value, dict):
                refuse(value, inner, f"{prefix}{name}.")

    refuse(values, whole, "")


def _hint(name: str, prefix: str, section: type[Section], whole: type[Section]) -> str:
    """The key that was probably meant, or all keys of the section if none is similar."""
    elsewhere = [key for key in _valid_keys(whole) if key.rpartition(".")[2] == name]
    similar = difflib.get_close_matches(name, section.model_fields, n=1, cutoff=_SIMILAR)
    if meant := elsewhere or [prefix + key for key in similar]:
        return f"did you mean {meant[0]}?"
    of_section = f" of {prefix.removesuffix('.')}" if prefix else ""
    return f"the keys{of_section} are: {', '.join(section.model_fields)}"


def _valid_keys(section: type[Section], prefix: str = "") -> list[str]:
    keys = []
    for name, field in section.model_fields.items():
        keys.append(prefix + name)
        if inner := _section_of(field.annotation):
            keys += _valid_keys(inner, f"{prefix}{name}.")
    return keys


def _section_of(annotation: Any) -> type[Section] | None:
    is_class = isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias)
    return annotation if is_class and issubclass(annotation, Section) else None


def _explain(error: pydantic.ValidationError, path: str, sources: Mapping[str, str]) -> str:
    lines = []
    for problem in error.errors():
        parts = [str(p) for p in problem["loc"]]
        key = ".".join(p for p in parts if not p.isdigit())
        source = sources.get(key, path)
        value = problem["input"]
        message = problem["msg"].removeprefix("Value error, ")
        shown = "" if isinstance(value, dict | Section) else f", got {value!r}"
        lines.append(f"{source}: {key}: {message}{shown}" if key else f"{source}: {message}")
    return "\n".join(lines)
