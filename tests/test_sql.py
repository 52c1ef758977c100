"""Statements given together are run one after the other."""

import pytest

from mmdin import sql


@pytest.mark.parametrize(
    ("text", "statements", "rest"),
    [
        ("SELECT 1", [], "SELECT 1"),
        ("SELECT 1; SELECT 2", ["SELECT 1"], " SELECT 2"),
        ("SELECT 1;\n ; SELECT 2;", ["SELECT 1", " SELECT 2"], ""),
        ("SELECT ';', \"a;b\", `c;d`; x", ["SELECT ';', \"a;b\", `c;d`"], " x"),
        (r"SELECT 'it\'s; so'; x", [r"SELECT 'it\'s; so'"], " x"),
    ],
)
def test_semicolons_outside_of_quotes_end_statements(
    text: str, statements: list[str], rest: str
) -> None:
    assert sql._split(text) == (statements, rest)
