"""YAML as configurations are written: the core schema of version 1.2, and no key twice.

PyYAML on its own reads YAML 1.1, in which 010 is 8, 15:00 is 900 and yes is true, and of a key that
is given twice it forgets the first.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

_DECIMAL = r"(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"

_CORE_SCHEMA = (
    ("null", "|~|null|Null|NULL", ["", *"~nN"]),
    ("bool", "true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("int", "[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", [*"-+0123456789"]),
    ("float", rf"[-+]?({_DECIMAL}|\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN", [*"-+.0123456789"]),
    ("merge", "<<", ["<"]),
)
"""Types that plain words have by their form, and the characters with which these words begin. All
other words are text. `<<` is not of the core schema; files use it to share values."""

_MERGE = "tag:yaml.org,2002:merge"

_LONGEST_INTEGER = 1000
"""Python refuses to convert more than some thousand digits."""


def read_yaml(text: str) -> Any:
    """Read one document. Keys are text, also those that look like numbers.

    Raises:
        ValueError: if it is not YAML or has a key twice; says where.
    """
    try:
        return yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        raise ValueError(f"{_place(error)}is not YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"is not YAML: {' '.join(str(error).split())}") from None


def write_yaml(values: Any) -> str:
    """Write values so that read_yaml, and a reader of YAML 1.1, read them back."""
    return yaml.dump(values, Dumper=_Dumper, sort_keys=False)


def _place(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    return f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {}  # noqa: RUF012  PyYAML's own declaration

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        # Here a mapping is as written; later it also holds the keys that << adds to it.
        node = super().compose_mapping_node(anchor)
        _refuse_repeated_keys(node)
        return node

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        # PyYAML 6.0.4 compares keys by identity: a key that << adds can hide the mapping's own.
        own = [(key, value) for key, value in node.value if key.tag != _MERGE]
        taken = {key.value for key, _ in own}
        added = []
        for shared in _shared_mappings(node):
            self.flatten_mapping(shared)
            added += [(key, value) for key, value in shared.value if key.value not in taken]
            taken |= {key.value for key, _ in shared.value}
        node.value = [*added, *own]

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        self.flatten_mapping(node)
        return {key.value: self.construct_object(value, deep=deep) for key, value in node.value}

    def construct_integer(self, node: yaml.ScalarNode) -> int:
        text = str(self.construct_scalar(node))
        if len(text) > _LONGEST_INTEGER:
            raise ValueError(f"line {node.start_mark.line + 1}: a number of {len(text)} digits")
        return int(text, 0 if text[:2] in ("0o", "0x") else 10)


class _Dumper(yaml.SafeDumper):
    pass


def _shared_mappings(node: yaml.MappingNode) -> Iterator[yaml.MappingNode]:
    """The mappings whose keys << adds; the first that has a key decides."""
    for key, value in node.value:
        if key.tag == _MERGE:
            for shared in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                if not isinstance(shared, yaml.MappingNode):
                    raise ValueError(f"line {key.start_mark.line + 1}: << is for sections alone")
                yield shared


def _refuse_repeated_keys(node: yaml.MappingNode) -> None:
    lines: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise ValueError(f"line {line}: a key must be a word, not a list or section")
        if key.value in lines:
            first = lines[key.value]
            where = f"in lines {first} and {line}" if first != line else f"in line {line}"
            raise ValueError(f"{key.value} is given twice, {where}: keep one of them")
        lines[key.value] = line


for _name, _form, _beginnings in _CORE_SCHEMA:
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(
            f"tag:yaml.org,2002:{_name}", re.compile(rf"(?:{_form})\Z"), _beginnings
        )
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_integer)
