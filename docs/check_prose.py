"""Check the project's prose: `python docs/check_prose.py` prints findings and ends with status 1.

proselint checks the Markdown pages. The glossary in docs/glossary.yaml is checked there and in the
docstrings, comments and messages of Python files, and in the comments of YAML files and scripts.
"""

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import yaml
from proselint.checks import __register__ as PROSELINT
from proselint.registry import CheckRegistry
from proselint.registry.checks import Check, types
from proselint.registry.checks.engine import Fancy
from proselint.tools import LintFile

PROJECT = Path(__file__).resolve().parents[1]

ENABLED = {
    "glossary": True,
    "typography": False,  # Markdown's quotes and dashes are plain
    "lexical_illusions": True,
    "redundancy": True,
    "needless_variants": True,
    "nonwords": True,
    "cliches": True,
    "hedging": True,
    "weasel_words": False,  # "very" in quoted figures
    "misc": True,
    "archaism": True,
    "malapropisms": True,
    "spelling": True,
    "terms": False,
}

Text = tuple[int, str]
"""A piece of prose, and the number of its first line."""


def main() -> int:
    """Print each finding as file:line: message. Returns the exit status."""
    registry = CheckRegistry()
    registry.register_many(PROSELINT)
    registry.register(_glossary())
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    findings = [f for name in files for f in check_file(PROJECT / name)]
    print(*findings, sep="\n", end="\n" if findings else "")
    return 1 if findings else 0


def check_file(path: Path) -> Iterator[str]:
    """Yield the findings of a file; none for a file that holds no prose."""
    if path.name in ("glossary.yaml", "requirements.lock") or not path.is_file():
        return
    enabled = ENABLED if path.suffix == ".md" else {"glossary": True}
    for first_line, text in _texts(path):
        for result in LintFile(str(path), text).lint({"max_errors": 1000, "checks": enabled}):
            line = first_line + text[: result.check_result.span[0] - 1].count("\n")
            name = path.relative_to(PROJECT)
            yield f"{name}:{line}: {result.check_result.message}"


def _glossary() -> Check:
    rules = yaml.safe_load((PROJECT / "docs" / "glossary.yaml").read_text(encoding="utf-8"))
    return Check(
        check_type=types.PreferredForms(items=rules),
        path="glossary.project",
        message="write '{}' instead of '{}'",
        engine=Fancy(),
    )


def _texts(path: Path) -> Iterator[Text]:
    if path.suffix == ".md":
        yield 1, _without_code(path.read_text(encoding="utf-8"))
    elif path.suffix == ".py":
        yield from _texts_of_python(path.read_text(encoding="utf-8"))
    elif path.suffix in (".yaml", ".sh", ".toml", ".conf") or path.name in (
        "Makefile",
        "Dockerfile",
    ):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if comment := re.search(r"(^|\s)#+ (.*)", line):
                yield number, comment[2]
    elif path.suffix == ".j2":
        yield 1, re.sub(r"<[^>]*>|\{[{%].*?[%}]\}", _blank, path.read_text(encoding="utf-8"))


def _without_code(markdown: str) -> str:
    """Blank out code and links' addresses, so that lines keep their numbers."""
    for pattern in (r"(?ms)^```.*?^```", r"(?m)^    .*$", r"`[^`\n]*`", r"\]\([^)\n]*\)"):
        markdown = re.sub(pattern, _blank, markdown)
    # The end of a heading and the start of its text are no repetition.
    return markdown.replace("\n\n", "\n.\n")


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def _texts_of_python(source: str) -> Iterator[Text]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string.lstrip("# ")
    for node in ast.walk(ast.parse(source)):
        # Docstrings, messages and descriptions: any string of several words.
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.lineno, node.value


if __name__ == "__main__":
    sys.exit(main())
