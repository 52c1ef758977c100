"""The reference pages are those of the code, and follow from one declaration of each thing."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
GENERATOR = "docs/generate_reference.py"

NEW_JOB = '''"""new_job: something new."""

from pyspark.sql import SparkSession

from mmdin.session import submit
from mmdin.stages import Stage
from mmdin.variants import Plan


def run(spark: SparkSession, plan: Plan) -> None:
    """Do something new."""


STAGE = Stage("new_job", run)

if __name__ == "__main__":
    submit(run, "new_job")
'''

DECLARATIONS = {
    "a table": (
        "mmdin/schemas.py",
        "RUNS = _table(",
        'NEW = _table("new_table", "train", "A row is new.", ("new", _LONG, "a new comment"))'
        "\n\nRUNS = _table(",
        {"tables.md": ["## new_table", "A row is new.", "`new` | `bigint` | a new comment"]},
    ),
    "a metric": (
        "mmdin/metrics.py",
        "METRICS = (\n",
        'METRICS = (\n    Metric("new_metric", "NEW", "a new meaning", higher_is_better=False),\n',
        {"metrics.md": ["`new_metric` | NEW | a new meaning | lower"], "tables.md": ["new_metric"]},
    ),
    "a feature": (
        "mmdin/inputs.py",
        "INPUTS: tuple[Input, ...] = (\n",
        'INPUTS: tuple[Input, ...] = (\n    _number("new_feature", "scene", "a new number"),\n',
        {
            "inputs.md": ["`new_feature_bucket` | `new_feature`"],
            "tables.md": ["`new_feature_bucket` | `int` | a new number"],
        },
    ),
    "a model": (
        "mmdin/networks.py",
        "    for network in (\n",
        '    for network in (\n        NetworkDeclaration("new_model", "mmdin.models.new:New"),\n',
        {"inputs.md": ["`new_model`"], "configuration.md": ["[new_model, neural_cf"]},
    ),
    "a job": (
        "spark_jobs/new_job.py",
        "",
        NEW_JOB,
        {
            "jobs.md": [
                "| [new_job](#new_job) | something new. |",
                "## new_job\n\nDo something new.",
            ]
        },
    ),
    "a configuration key": (
        "mmdin/config/sections.py",
        "    attention_users: ",
        '    new_key: float = Field(0.5, gt=0)\n    """A new meaning."""\n    attention_users: ',
        {"configuration.md": ["`scoring.new_key` | number, above 0 | `0.5` | A new meaning."]},
    ),
}
"""File, text and its replacement that declare a thing, and what must then be in the pages."""


def test_the_pages_are_those_that_the_code_gives() -> None:
    spec = importlib.util.spec_from_file_location("generate_reference", PROJECT / GENERATOR)
    assert spec is not None and spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    for name, text in generator.render_pages().items():
        committed = (PROJECT / "docs" / "reference" / name).read_text()
        assert committed == text, f"{name} is out of date: run make docs-reference"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The pages of a copy of the project to which one of each thing is added."""
    project = tmp_path_factory.mktemp("project")
    for folder in ("mmdin", "spark_jobs", "docs"):
        ignored = shutil.ignore_patterns("__pycache__", "reference")
        shutil.copytree(PROJECT / folder, project / folder, ignore=ignored)
    for file, text, replacement, _ in DECLARATIONS.values():
        path = project / file
        source = path.read_text() if path.exists() else ""
        assert source.count(text) == 1 or not text
        path.write_text(source.replace(text, replacement) if text else replacement)
    command = [sys.executable, "-P", GENERATOR]
    subprocess.run(command, cwd=project, env={"PATH": ""}, check=True, capture_output=True)
    return {p.name: p.read_text() for p in (project / "docs" / "reference").iterdir()}


@pytest.mark.parametrize("thing", DECLARATIONS)
def test_one_declaration_reaches_the_pages(thing: str, pages: dict[str, str]) -> None:
    *_, expected = DECLARATIONS[thing]
    for page, texts in expected.items():
        for text in texts:
            assert text in pages[page]
