"""The pipeline on a small world through the launchers, and what its tables come to."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import yaml

PROJECT = Path(__file__).resolve().parents[2]
SAMPLES = "SELECT count(*) AS n, bit_xor(xxhash64(*)) AS digest FROM samples"
LOSSES = "SELECT epoch, round(validation_loss, 9) AS loss FROM epochs ORDER BY epoch"
SCORES = "SELECT count(*) AS n, round(avg(score), 9) AS mean FROM predictions"


def launch(script: str, *arguments: str, **variables: str) -> str:
    """What a script of submit/ prints; fails with it where the script does.

    Args:
        variables: of its environment, besides this process's.
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


def query(root: str, statement: str, **variables: str) -> list[list[float]]:
    """The numbers that submit/sql.sh shows for a statement, by row."""
    shown = launch("sql.sh", "--root", root, statement, **variables)
    cells = [line.strip("|").split("|") for line in shown.splitlines() if line.startswith("|")]
    return [[float(cell) for cell in row] for row in cells[1:]]


def assert_same_as(root: str, local: str, **variables: str) -> None:
    """The same samples, the same training, and as many scores, as a local root's."""
    assert query(root, SAMPLES, **variables) == query(local, SAMPLES)
    assert_same_training(root, local, **variables)
    ((rows, mean),) = query(root, SCORES, **variables)
    ((other_rows, other_mean),) = query(local, SCORES)
    assert rows == other_rows > 0
    assert abs(mean - other_mean) < 1e-3


def assert_same_training(root: str, local: str, **variables: str) -> None:
    """As many epochs as of a local root, and their validation losses to 1e-4."""
    mine, others = query(root, LOSSES, **variables), query(local, LOSSES)
    assert [epoch for epoch, _ in mine] == [epoch for epoch, _ in others]
    assert max(abs(a - b) for (_, a), (_, b) in zip(mine, others, strict=True)) < 1e-4


def with_samples_of(local: str, root: Path) -> str:
    """A root with the tables of a local one but those of training: there is nothing trained yet."""
    left_out = shutil.ignore_patterns("runs", "epochs")
    shutil.copytree(Path(local, "tables"), root / "tables", ignore=left_out)
    return str(root)


def properties_file(folder: Path, settings: Mapping[str, str]) -> Path:
    """conf/spark/local.conf with further properties, in which the last of a name counts."""
    path = folder / "spark.conf"
    lines = [f"{name} {value}" for name, value in settings.items()]
    path.write_text("\n".join(((PROJECT / "conf/spark/local.conf").read_text(), *lines, "")))
    return path


def cluster_file(path: Path, master: str, **settings: object) -> Path:
    """A file for --cluster: two executors of one core, and few partitions for few rows."""
    executors = {"executors": 2, "cores": 1, "memory": "2g"}
    cluster = {
        "master": master,
        "driver": {"memory": "2g"},
        "etl": executors,
        "training": executors,
        "spark": {
            "spark.sql.shuffle.partitions": 4,
            "spark.databricks.delta.snapshotPartitions": 2,
        },
    }
    path.write_text(yaml.safe_dump(cluster | settings))
    return path
