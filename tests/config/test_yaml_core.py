"""YAML 1.2's core schema, and keys that are given twice."""

from typing import Any

import pytest
import yaml

from mmdin.config.yaml_core import read_yaml, write_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("-7", -7),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("4.", 4.0),
        ("-.inf", float("-inf")),
        ("15:00", "15:00"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("2001-02-03", "2001-02-03"),
        ("yes", "yes"),
        ("off", "off"),
        ("True", True),
        ("~", None),
        ("", None),
        ("=", "="),
    ],
)
def test_words_mean_what_yaml_1_2_says(text: str, value: Any) -> None:
    read = read_yaml(text)
    assert (read, type(read)) == (value, type(value))


def test_keys_are_text_as_they_are_written() -> None:
    assert read_yaml("010: a\nyes: b\n1.50: c") == {"010": "a", "yes": "b", "1.50": "c"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\n'a': 3", "a is given twice, in lines 1 and 3"),
        ("s:\n  t:\n    u: 1\n    v: 2\n    u: 3", "u is given twice, in lines 3 and 5"),
        ("- {x: 1, y: 2, x: 3}", "x is given twice, in line 1"),
        ("a: &a {x: 1}\nb:\n  <<: *a\n  <<: *a", "<< is given twice, in lines 3 and 4"),
        ("s: {t: 1}\ns: {u: 2}", "s is given twice, in lines 1 and 2"),
        ("a: &a 3\nb: {<<: *a}", "line 2: << is for sections alone"),
        ("a: &a {<<: *a}", "is not YAML"),
        ("? [a]\n: 1", "line 1: a key must be a word"),
        ("a: [1", "line 1, column 6: is not YAML"),
        ("a: 1\n\tb: 2", "line 2, column 1: is not YAML"),
        ("a: 1\n---\na: 2", "is not YAML: but found another document"),
        ("a: !!python/object:os.system {}", "is not YAML: could not determine a constructor"),
        ("a: \x00", "is not YAML: unacceptable character"),
        ("9" * 5000, "line 1: a number of 5000 digits"),
        ("[" * 5000, "is not YAML"),
    ],
)
def test_what_is_not_yaml_or_ambiguous_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError) as error:
        read_yaml(text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_shared_values_are_not_given_twice() -> None:
    text = "a: &a {x: 1, y: 2}\nb: &b {<<: *a, y: 3}\nc: {<<: [*b, *a], z: 4}"
    assert read_yaml(text) == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 1, "y": 3},
        "c": {"x": 1, "y": 3, "z": 4},
    }
    # Keys of several letters are other objects each time.
    long = "a: &a {one: 1, two: 2}\nb: &b {<<: *a, two: 3}\nc: {<<: *b}\nd: {<<: [*a, *b], one: 5}"
    read = read_yaml(long)
    assert read["b"] == read["c"] == {"one": 1, "two": 3}
    assert read["d"] == {"one": 5, "two": 2}


def test_what_is_written_reads_back_the_same_under_both_versions() -> None:
    words = ["010", "0o10", "0x1F", "1e3", ".5", "yes", "15:00", "~", "a #b", "", "2001-02-03"]
    values = {"words": words, "10": [1e-05, 3, True, None], "ünïcode": {"a": "b: c"}}
    assert read_yaml(write_yaml(values)) == values
    assert yaml.safe_load(write_yaml(values)) == values
