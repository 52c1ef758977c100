"""The pipeline on a small world through the launchers, and what its tables hold."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from properties import FEW_ROWS
from pyspark.sql import SparkSession
from services import JVM_OPTIONS

from mmdin.schemas import TABLES
from mmdin.tables import Tables

PROJECT = Path(__file__).resolve().parents[2]

Rows = list[list[float]]

STATEMENTS = {
    "samples": "SELECT count(*) AS n, bit_xor(xxhash64(*)) AS digest FROM samples",
    "epochs": "SELECT epoch, round(validation_loss, 9) AS loss FROM epochs ORDER BY epoch",
    "predictions": "SELECT count(*) AS n, round(avg(score), 9) AS mean FROM predictions",
    "runs": "SELECT size(resumed_after) AS times FROM runs",
}
"""What is compared of each table. All columns are numbers."""

PIPELINE = ("samples", "epochs", "predictions")


@dataclass(frozen=True)
class Local:
    """The pipeline in local mode, which others are compared with: its root and query results."""

    root: str
    results: dict[str, Rows]


def launch(script: str, *arguments: str, **variables: str) -> str:
    """Run a script of submit/ to its end; fail with its output if the script fails.

    Args:
        script: name of the file.
        *arguments: the script's.
        **variables: added to this process's environment.

    Returns:
        Standard output and standard error.
    """
    ended = subprocess.run(
        [str(PROJECT / "submit" / script), *arguments],
        env={**os.environ, "MMDIN_MEMORY": "2g", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1500,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-6000:]
    return ended.stdout


def query_by_launcher(root: str, names: Sequence[str], **variables: str) -> dict[str, Rows]:
    """Results of STATEMENTS from one call of submit/sql.sh."""
    statements = "; ".join(STATEMENTS[name] for name in names)
    shown = launch("sql.sh", "--root", root, statements, **variables)
    results = [_numbers(table) for table in _tables(shown)]
    return dict(zip(names, results, strict=True))


def query(spark: SparkSession, root: str, names: Sequence[str]) -> dict[str, Rows]:
    """Results of STATEMENTS on tables of a local root, in the session of the tests."""
    tables = Tables(spark, root)
    declared = {table.name: table for table in TABLES}
    results = {}
    for name in names:
        tables.read(declared[name]).createOrReplaceTempView(name)
        rows = spark.sql(STATEMENTS[name]).collect()
        results[name] = [[float(cell) for cell in row] for row in rows]
    return results


def _tables(shown: str) -> list[list[str]]:
    """The tables that sql.sh shows, as lines between three rulers: a heading, and rows."""
    tables: list[list[str]] = []
    rulers = 0
    for line in shown.splitlines():
        if line.startswith("+-"):
            if rulers % 3 == 0:
                tables.append([])
            rulers += 1
        elif line.startswith("|"):
            tables[-1].append(line)
    return tables


def _numbers(table: Sequence[str]) -> Rows:
    return [[float(cell) for cell in line.strip("|").split("|")] for line in table[1:]]


def assert_same(results: Mapping[str, Rows], local: Local) -> None:
    """The same samples, the same training, and as many scores, as in local mode."""
    assert results["samples"] == local.results["samples"]
    assert_same_training(results, local)
    ((rows, mean),), ((other_rows, other_mean),) = (
        each["predictions"] for each in (results, local.results)
    )
    assert rows == other_rows > 0
    assert abs(mean - other_mean) < 1e-3


def assert_same_training(results: Mapping[str, Rows], local: Local) -> None:
    """As many epochs as in local mode, and their validation losses to 1e-4."""
    mine, others = results["epochs"], local.results["epochs"]
    assert [epoch for epoch, _ in mine] == [epoch for epoch, _ in others]
    assert max(abs(a - b) for (_, a), (_, b) in zip(mine, others, strict=True)) < 1e-4


def with_samples_of(local: Local, root: Path) -> str:
    """A root with a copy of the local one's tables, except those of training."""
    left_out = shutil.ignore_patterns("runs", "epochs")
    shutil.copytree(Path(local.root, "tables"), root / "tables", ignore=left_out)
    return str(root)


def cluster_file(
    path: Path, master: str, properties: Mapping[str, str] | None = None, **settings: object
) -> Path:
    """A file for --cluster: two executors of one core, for few rows.

    Args:
        path: of the file.
        master: of the cluster.
        properties: further properties of Spark.
        **settings: further keys of the file.
    """
    executors = {"executors": 2, "cores": 1, "memory": "1g"}
    cluster = {
        "master": master,
        "driver": {"memory": "2g"},
        "etl": executors,
        "training": executors,
        "spark": {
            **FEW_ROWS,
            "spark.yarn.am.extraJavaOptions": JVM_OPTIONS,
            **(properties or {}),
        },
    }
    path.write_text(yaml.safe_dump(cluster | settings))
    return path
