"""The pipeline on two hosts, against the same in local mode."""

import subprocess
from pathlib import Path

import pytest
import yaml
from conftest import PROJECT, Standalone

from mmdin.tables import Tables

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]


@pytest.fixture(scope="module")
def local(small_world: Path) -> str:
    """Root of the pipeline in local mode."""
    root = f"{small_world}/local"
    command = [str(PROJECT / "submit" / "local.sh"), "pipeline", "--conf", "small.yaml"]
    command += ["--set", f"root={root}"]
    ended = subprocess.run(command, cwd=small_world, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr
    return root


@pytest.fixture(scope="module")
def two_hosts(small_world: Path) -> Path:
    """The cluster's file: an executor of one core on each host."""
    executors = {"executors": 2, "cores": 1, "memory": "2g"}
    cluster = {
        "master": "spark://mmdin-driver:7077",
        "driver": {"memory": "2g"},
        "etl": executors,
        "training": executors,
        "spark": {
            "spark.sql.shuffle.partitions": 4,
            "spark.databricks.delta.snapshotPartitions": 2,
        },
    }
    path = small_world / "two_hosts.yaml"
    path.write_text(yaml.safe_dump(cluster))
    return path


@pytest.fixture(scope="module")
def clustered(
    standalone: Standalone, archive: Path, small_world: Path, two_hosts: Path
) -> tuple[str, str]:
    """Root of the pipeline on two hosts, and what it printed."""
    root = f"{small_world}/clustered"
    command = [str(PROJECT / "submit" / "standalone.sh"), "pipeline", "--conf", "small.yaml"]
    command += ["--cluster", str(two_hosts), "--environment", str(archive)]
    command += ["--set", f"root={root}", "input.tables="]
    console = standalone.logs / "pipeline.log"
    with console.open("w") as file:
        process = standalone.driver.start(command, file, small_world)
        status = process.wait(timeout=1200)
    assert status == 0, console.read_text()[-6000:]
    return root, console.read_text()


def test_samples_are_the_same(spark, local: str, clustered: tuple[str, str]) -> None:
    root, _ = clustered
    mine, other = (Tables(spark, r).read("samples") for r in (root, local))
    assert mine.count() == other.count() > 0
    assert mine.exceptAll(other).count() == 0


def test_validation_losses_are_the_same(spark, local: str, clustered: tuple[str, str]) -> None:
    root, _ = clustered

    def losses(root: str) -> dict[tuple[str, int], float]:
        tables = Tables(spark, root)
        rows = tables.read("epochs").join(tables.read("runs").select("run_id", "model"), "run_id")
        return {(r["model"], r["epoch"]): r["validation_loss"] for r in rows.collect()}

    assert losses(root) == pytest.approx(losses(local), abs=1e-4)
    assert {model for model, _ in losses(root)} == {"din", "mmdin"}


def test_both_hosts_took_part(standalone: Standalone, clustered: tuple[str, str]) -> None:
    """Each ran executors of the three applications, which ran the archive's Python."""
    for host in standalone.workers:
        applications = list((standalone.logs / f"{host.name}-work").glob("app-*"))
        assert len(applications) == 3
        assert all(list(a.glob("*/environment/bin/python3")) for a in applications)
