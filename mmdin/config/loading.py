"""Reading configurations: YAML files, --set overrides and the changes of variants."""

import difflib
import re
import shlex
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pydantic

from mmdin.config.sections import NAME, Config, Section
from mmdin.config.yaml_core import read_yaml
from mmdin.errors import ConfigurationError
from mmdin.installation import find_configuration

AnySection = TypeVar("AnySection", bound=Section)

_SIMILAR = 0.5
"""Similarity, by difflib's ratio, from which an unknown key is taken for a misspelt one."""


def load_config(path: str, overrides: Iterable[str] = ()) -> Config:
    """Read a configuration file and apply overrides.

    Args:
        path: of the YAML file.
        overrides: each of the form `section.key=value`. A key of text takes the value as it is
            written; other values are read as YAML. A section changes only the keys that it has.

    Returns:
        The configuration, with its name and root set.

    Raises:
        ConfigurationError: if the file or an override is not valid; names the key, the file or
            override that it came from, and what would be valid.
    """
    values = _read_file(path)
    _check_keys(values, Config, path)
    sources: dict[str, str] = {}
    for override, changes in _read_overrides(list(overrides)):
        values = _merge(values, changes)
        sources |= dict.fromkeys(_leaves(changes), _source(override))
    if values.get("name") is None:
        values["name"] = _name_by_file(path)
    config = _validate(Config, values, path, sources)
    if not config.root:
        config = config.model_copy(update={"root": f"build/{config.name}"})
    for name, changes in config.experiment.variants.items():
        key = f"experiment.variants.{name}."
        given = [s for leaf, s in sources.items() if f"{leaf}.".startswith(key)]
        change(config, changes, f"{(given or [path])[-1]}: experiment.variants: {name}")
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
    values = _read_file(path)
    _check_keys(values, kind, path)
    return _validate(kind, values, path)


def change(config: Config, changes: Mapping[str, Any], source: str) -> Config:
    """Set some keys of a configuration to other values.

    Args:
        config: the configuration, which stays unchanged.
        changes: values by key, such as networks.heads, or by section, such as networks. A section
            changes only the keys that it has.
        source: where the changes come from, for messages.

    Returns:
        A new configuration.

    Raises:
        ConfigurationError: as load_config does, and if a key is set twice.
    """
    nested: dict[str, Any] = {}
    seen: set[str] = set()
    for key, value in changes.items():
        part = _nest(key, value)
        _check_keys(part, Config, source)
        leaves = set(_leaves(part))
        if twice := sorted(leaves & seen):
            raise ConfigurationError(f"{source}: {twice[0]} is set twice: keep one of them")
        seen |= leaves
        nested = _merge(nested, part)
    return _validate(Config, _merge(config.model_dump(mode="json"), nested), source)


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


def _read_file(path: str) -> dict[str, Any]:
    try:
        values = read_yaml(Path(find_configuration(path)).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: is not YAML in UTF-8: {error}") from None
    except ValueError as error:
        raise ConfigurationError(f"{path}: {error}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigurationError(
            f"{path}: must hold sections such as `training:`, not a list or word"
        )
    return values


def _name_by_file(path: str) -> str:
    name = Path(path).stem
    if not re.fullmatch(NAME, name):
        raise ConfigurationError(
            f"{path}: the file's name gives the configuration its name, and {name!r} has other "
            "characters than letters, digits and ._- (or begins with one of .-): rename the file, "
            "or set name in it"
        )
    return name


def _read_overrides(overrides: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each override, and the values that it sets."""
    _refuse_pieces(overrides)
    for override in overrides:
        key, _, text = override.partition("=")
        _check_keys(_nest(key, None), Config, _source(override))
        changes = _nest(key, _read_value(key, text, override))
        _check_keys(changes, Config, _source(override))
        yield override, changes


def _read_value(key: str, text: str, override: str) -> Any:
    if _takes_text(key):
        return text
    try:
        return read_yaml(text)
    except ValueError as error:
        raise ConfigurationError(f"{_source(override)}: the value {error}") from None


def _refuse_pieces(overrides: Sequence[str]) -> None:
    """Refuse what a shell took apart at blanks; shows how to write it."""
    for number, override in enumerate(overrides):
        if _has_key(override):
            continue
        rest = list(overrides[number:])
        pieces = rest[: next((n for n, o in enumerate(rest) if _has_key(o)), len(rest))]
        before = overrides[number - 1] if number else ""
        if "=" in override.strip("="):
            key, _, text = override.partition("=")
            advice = f"no blanks around =, as in --set {key.strip()}={text.strip()}"
        elif any(piece.startswith("=") or piece.endswith("=") for piece in (before, *pieces)):
            whole = "".join([before] * before.endswith("=") + pieces)
            advice = f"no blanks around =, as in --set {whole}"
        else:
            advice = "write it as section.key=value"
            if before:
                whole = shlex.quote(" ".join([before, *pieces]))
                advice += f", and a value with blanks in quotes, as in --set {whole}"
        raise ConfigurationError(f"{_source(override)}: {advice}")


def _source(override: str) -> str:
    return f"--set {_shorten(override)}"


def _has_key(override: str) -> bool:
    key, equals, _ = override.partition("=")
    return bool(equals and key and key == key.strip())


def _takes_text(key: str) -> bool:
    """Whether a key's values are text, so that nothing in them has a meaning in YAML."""
    section: type[Section] | None = Config
    annotation: Any = None
    for name in key.split("."):
        if section is None:
            return False
        annotation = section.model_fields[name].annotation
        section = _section_of(annotation)
    is_choice = typing.get_origin(annotation) is typing.Literal
    return annotation is str or (is_choice and isinstance(typing.get_args(annotation)[0], str))


def _nest(key: str, value: Any) -> dict[str, Any]:
    head, _, rest = key.partition(".")
    return {head: _nest(rest, value) if rest else value}


def _merge(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The values with the changes; a section changes only its keys, an empty one none."""
    merged = dict(values)
    for key, value in changes.items():
        before = merged.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping | None):
            merged[key] = _merge(before, value or {})
        else:
            merged[key] = value
    return merged


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """The keys that hold values, with the sections that they are in."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _check_keys(values: Mapping[str, Any], whole: type[Section], source: str) -> None:
    """Refuse keys that there are not, and sections that are something else."""

    def check(values: Mapping[str, Any], section: type[Section], prefix: str) -> None:
        for name, value in values.items():
            if name not in section.model_fields:
                hint = _hint(name, prefix, section, whole)
                raise ConfigurationError(f"{source}: unknown key {prefix}{name}; {hint}")
            inner = _section_of(section.model_fields[name].annotation)
            if inner and isinstance(value, Mapping):
                check(value, inner, f"{prefix}{name}.")
            elif inner and value is not None:
                raise ConfigurationError(
                    f"{source}: {prefix}{name} is a section, got {value!r}; {_keys(inner, name)}"
                )

    check(values, whole, "")


def _hint(name: str, prefix: str, section: type[Section], whole: type[Section]) -> str:
    """The key that was probably meant, or all keys of the section if none is similar."""
    elsewhere = [key for key in _valid_keys(whole) if key.rpartition(".")[2] == name]
    similar = difflib.get_close_matches(name, section.model_fields, n=1, cutoff=_SIMILAR)
    if meant := elsewhere or [prefix + key for key in similar]:
        return f"did you mean {meant[0]}?"
    return _keys(section, prefix.removesuffix("."))


def _keys(section: type[Section], name: str) -> str:
    of_section = f" of {name}" if name else ""
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
        if problem["type"] == "too_short" and problem["input"]:
            continue  # its elements are not valid, each of which has its own line
        key = ".".join(str(p) for p in problem["loc"] if not isinstance(p, int))
        value = problem["input"]
        message = problem["msg"].removeprefix("Value error, ")
        source = _blame(key, message, path, sources)
        shown = "" if isinstance(value, dict | Section | None) else f", got {_shorten(repr(value))}"
        hint = _advise(value, list(problem["loc"]))
        lines.append(f"{source}: {key}: {message}{shown}{hint}" if key else f"{source}: {message}")
    return "\n".join(lines)


def _blame(key: str, message: str, path: str, sources: Mapping[str, str]) -> str:
    """The override that set a wrong key; if several keys do not fit together, all of theirs."""
    setting = [s for leaf, s in sources.items() if f"{key}.".startswith(f"{leaf}.")]
    if setting:
        return setting[-1]
    words = re.findall(r"\w+", message)
    within = [leaf for leaf in sources if leaf.startswith(f"{key}." if key else "")]
    named = [sources[leaf] for leaf in within if leaf.rpartition(".")[2] in words]
    return ", ".join([path, *dict.fromkeys(named)])


def _advise(value: Any, place: list[Any]) -> str:
    is_element = bool(place) and isinstance(place[-1], int)
    if is_element and isinstance(value, str) and "," in value:
        return f"; write a list as [{value}]"
    return ""


def _shorten(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]}..."
