"""Taking a text apart into SQL statements, at semicolons that Spark takes for such."""

import re

_TOKEN = re.compile(
    r"""
      (?P<end>;)
    | (?P<blank>\s+ | --(?:\\\n|[^\n])*)
    | (?P<comment>/\*)
    | (?P<quoted>
        [rR]'[^']*' | [rR]"[^"]*"                   # in which a backslash is a character
        | '(?:\\.|[^'\\])*' | "(?:\\.|[^"\\])*" | `[^`]*`
        | \$(?P<tag>[A-Za-z]*)\$.*?\$(?P=tag)\$ )
    | (?P<open>['"`])                               # and nothing that closes it
    | \w+ | .
    """,
    re.VERBOSE | re.DOTALL,
)

_BRACKET = re.compile(r"/\*|\*/")


def split(text: str) -> tuple[list[str], str]:
    """Return the statements that end with a semicolon, and what follows the last of them.

    Statements of blanks and comments alone are left out.
    """
    statements, start, place, is_blank = [], 0, 0, True
    while token := _TOKEN.match(text, place):
        kind, place = token.lastgroup, token.end()
        if kind == "end":
            statements += [] if is_blank else [text[start : token.start()]]
            start, is_blank = place, True
        elif kind == "comment":
            closed = _end_of_comment(text, place)
            place = closed or len(text)
            is_blank = is_blank and closed is not None
        elif kind != "blank":
            is_blank = False
            place = len(text) if kind == "open" else place
    return statements, "" if is_blank else text[start:]


def _end_of_comment(text: str, place: int) -> int | None:
    """The place behind a comment that has begun before; None if it is not closed. They nest."""
    depth = 1
    for bracket in _BRACKET.finditer(text, place):
        depth += 1 if bracket[0] == "/*" else -1
        if depth == 0:
            return bracket.end()
    return None
