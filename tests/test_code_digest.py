"""A stage's digest changes with every statement that the stage can run, and with no words."""

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mmdin import code_digest
from mmdin.code_digest import PROJECT, digest_module, reachable_files
from mmdin.fingerprints import _RANK_CODE, training_code
from spark_jobs import make_demo_data, pipeline

STAGES = [stage.name for stage in (make_demo_data.STAGE, *pipeline.STAGES)]
IN_FUNCTIONS = {
    "train": ("training/rank/loop.py", "training/rank/step.py", "models/mmdin.py"),
    "score": ("models/checkpoint.py", "models/din.py", "models/mmdin.py"),
    "report": ("report/page.html.j2", "report/page.css"),
    "make_demo_data": ("world/plans.py", "world/posters.py", "world/rating_process.py"),
}
"""Files that stages run but do not import at their top, and others that must not be missed."""

IMPORTED = """
import json, os, sys
import matplotlib, pandas, pyarrow, pyspark.sql, pyspark.ml, delta

project = sys.argv[1]
for stage in sys.argv[2:]:
    if not os.fork():
        __import__(f"spark_jobs.{stage}")
        files = {getattr(m, "__file__", None) or "" for m in list(sys.modules.values())}
        own = sorted(f for f in files if f.startswith(project + "/"))
        print(json.dumps([stage, own]), flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the source tree."""
    for package in ("mmdin", "spark_jobs"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT / package, tmp_path / package, ignore=ignored)
    return tmp_path


def digests(project: Path) -> dict[str, str]:
    return {stage: digest_module(f"spark_jobs.{stage}", project) for stage in STAGES}


def test_every_file_that_python_imports_for_a_stage_is_in_its_digest(project: Path) -> None:
    program = [sys.executable, "-c", IMPORTED, str(project), *STAGES]
    printed = subprocess.run(program, cwd=project, check=True, capture_output=True, text=True)
    imported = dict(json.loads(line) for line in printed.stdout.splitlines())
    assert set(imported) == set(STAGES)
    for stage, paths in imported.items():
        files = reachable_files(f"spark_jobs.{stage}", project)
        assert len(paths) > 10
        assert {Path(p) for p in paths} <= files
        assert {project / "mmdin" / name for name in IN_FUNCTIONS.get(stage, ())} <= files


def test_a_changed_statement_changes_the_digests_of_the_stages_that_run_it(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digests(project)
    reached = {s: reachable_files(f"spark_jobs.{s}", project) for s in STAGES}
    # The statement imports nothing: what is reached stays the same, and is not looked for again.
    found = {f"spark_jobs.{stage}": files for stage, files in reached.items()}
    monkeypatch.setattr(code_digest, "reachable_files", lambda module, project: found[module])
    for path in sorted(set.union(*reached.values())):
        content = path.read_bytes()
        path.write_bytes(content + b"\nchanged = 1\n")
        changed = {stage for stage, digest in digests(project).items() if digest != before[stage]}
        assert changed == {stage for stage in STAGES if path in reached[stage]}, path
        path.write_bytes(content)
    assert digests(project) == before


def test_stages_do_not_depend_on_one_anothers_code() -> None:
    for stage, folder in (("ingest_ratings", "models"), ("build_samples", "training")):
        files = reachable_files(f"spark_jobs.{stage}")
        assert not [path for path in files if (PROJECT / "mmdin" / folder) in path.parents]


def test_other_words_change_no_digest(project: Path) -> None:
    before = digests(project)
    for path in project.rglob("*.py"):
        path.write_text(reword(path.read_text()))
    assert digests(project) == before


def reword(source: str) -> str:
    """The same code with other docstrings, more comments and blank lines."""
    lines = source.splitlines()
    strings = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    ]
    for node in sorted(strings, key=lambda node: -node.lineno):
        reworded = ["", " " * node.col_offset + '"""Other words."""  # and a comment']
        lines[node.lineno - 1 : node.end_lineno] = reworded
    return "\n".join(["# A comment.", *lines, "", "# The end."])


def test_training_code_is_what_a_rank_runs_of_the_training_and_the_networks(project: Path) -> None:
    def digest() -> str:
        return digest_module("mmdin.training.rank.loop", project, _RANK_CODE)

    assert digest() == training_code()
    for name, is_part in (
        ("mmdin/training/driver/train.py", False),
        ("mmdin/storage/files.py", False),
        ("mmdin/training/rank/step.py", True),
        ("mmdin/training/assignment.py", True),
        ("mmdin/models/residual.py", True),
        ("mmdin/dataset/reader.py", True),
        ("mmdin/inputs.py", True),
    ):
        before = digest()
        path = project / name
        path.write_text(path.read_text() + "\nchanged = 1\n")
        assert (digest() != before) == is_part, name


def test_relative_imports_and_modules_named_by_strings_are_followed(tmp_path: Path) -> None:
    package = tmp_path / "mmdin"
    (package / "inner").mkdir(parents=True)
    sources = {
        "__init__.py": "",
        "start.py": "from .inner import first\nNAMED = 'mmdin.named:Class'\nNOT = 'mmdin.not.so'",
        "inner/__init__.py": "from . import second",
        "inner/first.py": "import importlib\nimportlib.import_module('x')",
        "inner/second.py": "def later():\n    from .. import third",
        "third.py": "",
        "named.py": "",
        "unused.py": "",
    }
    for name, source in sources.items():
        (package / name).write_text(source)
    (package / "inner" / "page.css").write_text("")
    reached = {str(p.relative_to(package)) for p in reachable_files("mmdin.start", tmp_path)}
    assert reached == {*sources, "inner/page.css"} - {"unused.py"}
    (package / "inner/first.py").write_text("")
    assert package / "named.py" not in reachable_files("mmdin.start", tmp_path)
