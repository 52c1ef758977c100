"""Rules of the structure: what a package may import, and which modules import which library."""

import ast
import importlib
from pathlib import Path

import pytest

from mmdin.schemas import TABLES, Table

PROJECT = Path(__file__).resolve().parents[1]
MODULES = sorted((PROJECT / "mmdin").rglob("*.py"))
CORE = {"config": {"errors", "networks", "storage"}, "storage": {"errors"}}
"""The core's packages, and what of mmdin each of them may import."""
STAGES = {
    "world",
    "ingest",
    "posters",
    "features",
    "dataset",
    "models",
    "training",
    "scoring",
    "evaluation",
    "report",
    "submission",
}
MAY_IMPORT = {
    "training": {"dataset", "models"},
    "scoring": {"dataset", "models"},
    "report": {"posters"},  # readers see posters decoded as they were measured
}


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def imported_parts(path: Path) -> set[str]:
    """Modules and packages of mmdin that a file imports, by their first name."""
    return {name.split(".")[1] for name in imported(path) if name.startswith("mmdin.")}


def stage_of(path: Path) -> str | None:
    parts = path.relative_to(PROJECT / "mmdin").parts
    return parts[0] if len(parts) > 1 else None


def test_every_folder_is_a_known_stage_or_of_the_core() -> None:
    assert {stage_of(p) for p in MODULES} - {None} == STAGES | set(CORE)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PROJECT)))
def test_stages_import_the_core_and_not_one_another(path: Path) -> None:
    stage = stage_of(path)
    assert imported_parts(path) & STAGES <= {stage} | MAY_IMPORT.get(stage or "", set())


@pytest.mark.parametrize("package", CORE)
def test_packages_of_the_core_import_only_what_is_below_them(package: str) -> None:
    for path in (PROJECT / "mmdin" / package).glob("*.py"):
        assert imported_parts(path) <= {package} | CORE[package], path.name


@pytest.mark.parametrize(
    ("library", "modules"),
    [
        ("petastorm", {"mmdin/dataset/reader.py"}),
        ("horovod", {"mmdin/training/ranks.py", "mmdin/training/horovod_patches.py"}),
        ("delta", {"mmdin/tables.py"}),
        ("py4j", {"mmdin/storage/hadoop.py", "mmdin/storage/jvm.py"}),
        ("PIL", {"mmdin/posters/images.py", "mmdin/world/posters.py"}),
    ],
)
def test_only_these_modules_import_the_library(library: str, modules: set[str]) -> None:
    users = {
        str(p.relative_to(PROJECT))
        for p in MODULES
        if library in {name.split(".")[0] for name in imported(p)}
    }
    assert users == modules


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
