"""Rules of the structure. What may import what is in pyproject.toml: `make check` holds it."""

import ast
import importlib
from pathlib import Path

import pytest

from mmdin.schemas import TABLES, Table

PROJECT = Path(__file__).resolve().parents[1]
MODULES = sorted((PROJECT / "mmdin").rglob("*.py"))


def test_no_module_has_a_vague_name() -> None:
    assert not {p.stem for p in MODULES} & {"utils", "helpers", "common", "manager"}


JOBS = sorted((PROJECT / "spark_jobs").glob("[a-z]*.py"))


@pytest.mark.parametrize("path", JOBS, ids=lambda p: p.stem)
def test_a_job_is_a_docstring_a_stage_and_at_most_thirty_lines(path: Path) -> None:
    docstring, *statements = ast.parse(path.read_text()).body
    assert isinstance(docstring, ast.Expr)
    functions = [s for s in statements if isinstance(s, ast.FunctionDef | ast.ClassDef)]
    assert [f.name for f in functions] == ["main" if path.stem == "sql" else "run"]
    assert ast.get_docstring(functions[0]), "it is what --help prints"
    own = [s for s in statements if not isinstance(s, ast.Import | ast.ImportFrom)]
    assert sum((s.end_lineno or s.lineno) - s.lineno + 1 for s in own) <= 30


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_is_written_by_a_stage(table: Table) -> None:
    stage = importlib.import_module(f"spark_jobs.{table.job}").STAGE
    assert stage.name == table.job
    assert table in stage.writes
