"""Statements are taken apart at semicolons that Spark takes for such."""

import pytest

from mmdin.sql.permission import first_word
from mmdin.sql.statements import split


@pytest.mark.parametrize(
    ("text", "statements", "rest"),
    [
        ("SELECT 1", [], "SELECT 1"),
        ("SELECT 1; SELECT 2", ["SELECT 1"], " SELECT 2"),
        ("SELECT 1;\n ; SELECT 2;", ["SELECT 1", " SELECT 2"], ""),
        ("SELECT ';', \"a;b\", `c;d`; x", ["SELECT ';', \"a;b\", `c;d`"], " x"),
        (r"SELECT 'it\'s; so'; x", [r"SELECT 'it\'s; so'"], " x"),
        ("SELECT 'it''s; so'; x", ["SELECT 'it''s; so'"], " x"),
        (r"SELECT r'a\'; x", [r"SELECT r'a\'"], " x"),
        (r'SELECT R"a\"; x', [r'SELECT R"a\"'], " x"),
        (r"SELECT 1 AS bar'\';'; x", [r"SELECT 1 AS bar'\';'"], " x"),
        ("SELECT $$a;b$$, $x$c;$$;d$x$; y", ["SELECT $$a;b$$, $x$c;$$;d$x$"], " y"),
        ("SELECT 1 -- one; it's\n; x", ["SELECT 1 -- one; it's\n"], " x"),
        ("SELECT 1 -- one \\\n; two\n; x", ["SELECT 1 -- one \\\n; two\n"], " x"),
        ("SELECT /* a; ' */ 1; x", ["SELECT /* a; ' */ 1"], " x"),
        ("SELECT /* a /* b; */ c; */ 1; x", ["SELECT /* a /* b; */ c; */ 1"], " x"),
        ("SELECT /*+ BROADCAST(a) */ 1; x", ["SELECT /*+ BROADCAST(a) */ 1"], " x"),
        ("SELECT 5 - -1 / 2; x", ["SELECT 5 - -1 / 2"], " x"),
        ("SELECT '-- a', '/* b'; x", ["SELECT '-- a', '/* b'"], " x"),
        ("SELECT 1; -- done; really", ["SELECT 1"], ""),
        ("-- first;\n/* second; */;", [], ""),
        ("SELECT 1; /* not closed; SELECT 2;", ["SELECT 1"], " /* not closed; SELECT 2;"),
        ("SELECT 'not closed; SELECT 2;", [], "SELECT 'not closed; SELECT 2;"),
        ("", [], ""),
    ],
)
def test_semicolons_outside_of_quotes_and_comments_end_statements(
    text: str, statements: list[str], rest: str
) -> None:
    assert split(text) == (statements, rest)


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        (" Delete FROM x", "delete"),
        ("/* a\n b */ -- c\n ((SELECT 1))", "select"),
        ("-- nothing", ""),
    ],
)
def test_the_first_word_names_a_statement(statement: str, word: str) -> None:
    assert first_word(statement) == word
