"""The pipeline on two hosts, compared with the same in local mode."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from holding import Hold, wait_for
from pipelines import (
    PIPELINE,
    PROJECT,
    Local,
    assert_same,
    assert_same_training,
    cluster_file,
    query,
    with_samples_of,
)
from pyspark.sql import SparkSession
from services import start
from standalone import Standalone

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]


def test_a_pipeline_on_two_hosts(
    spark: SparkSession, standalone: Standalone, archive: Path, small_world: Path, local: Local
) -> None:
    """Training takes its packages from the archive; to unpack it takes longer than the rest."""
    root = str(small_world.with_name("clustered"))
    files = {
        "project": with_project_dir(standalone, small_world.with_name("project.yaml")),
        "archive": cluster_file(small_world.with_name("archive.yaml"), standalone.master),
    }
    for part, nodes in (("prepare", "project"), ("train", "archive"), ("evaluate", "project")):
        options = ["--conf", str(small_world), "--cluster", str(files[nodes])]
        options += ["--environment", str(archive), "--set", f"root={root}", f"part={part}"]
        process, log = submit(standalone, "pipeline", *options)
        assert process.wait(timeout=1500) == 0, log.read_text()[-6000:]
    assert_same(query(spark, root, PIPELINE), local)
    for host in standalone.workers:
        prepare, train, evaluate = standalone.applications(host)[-3:]
        assert list(train.glob("*/environment/bin/python3"))
        assert not [*prepare.glob("*/environment"), *evaluate.glob("*/environment")]


def test_a_killed_executor_costs_at_most_an_epoch(
    spark: SparkSession, standalone: Standalone, small_world: Path, local: Local, tmp_path: Path
) -> None:
    root = with_samples_of(local, tmp_path / "killed")
    printed = kill_an_executor_amid("train", root, standalone, small_world, Hold(tmp_path))
    assert "a rank was lost" in printed
    results = query(spark, root, ["epochs", "runs"])
    assert_same_training(results, local)
    assert results["runs"] == [[1]]


def test_samples_survive_a_killed_executor(
    spark: SparkSession, standalone: Standalone, small_world: Path, local: Local, tmp_path: Path
) -> None:
    """The rows that a step before has computed are on both executors."""
    root = with_samples_of(local, tmp_path / "killed")
    shutil.rmtree(Path(root, "tables", "samples"))
    hold = Hold(tmp_path, module="mmdin.features.neighbours")
    kill_an_executor_amid("build_samples", root, standalone, small_world, hold)
    assert query(spark, root, ["samples"])["samples"] == local.results["samples"]


def kill_an_executor_amid(
    job: str, root: str, standalone: Standalone, small_world: Path, hold: Hold
) -> str:
    """Run a job to its end, but for the executor that is held; gives what it printed.

    That executor has the rows that the job has computed: Spark sends tasks to their rows.
    """
    file = with_project_dir(standalone, hold.folder / "project.yaml", hold.properties)
    options = ["--conf", str(small_world), "--cluster", str(file), "--set", f"root={root}"]
    process, log = submit(standalone, job, *options)
    wait_for(hold.is_reached, process, log)
    (held,) = {*standalone.executors()} & {*hold.waiting().parents()}
    held.kill()
    hold.release()
    assert process.wait(timeout=900) == 0, log.read_text()[-6000:]
    return log.read_text()


def with_project_dir(
    standalone: Standalone, path: Path, properties: Mapping[str, str] | None = None
) -> Path:
    """A file for --cluster of nodes that have the project, with more properties of Spark."""
    return cluster_file(path, standalone.master, properties, project_dir=str(PROJECT))


def submit(standalone: Standalone, job: str, *options: str) -> tuple[subprocess.Popen, Path]:
    """A job that has been started on the driver's host, and its log."""
    log = standalone.logs / f"{job}.log"
    script = str(PROJECT / "submit" / "standalone.sh")
    return start(standalone.driver.command([script, job, *options]), log), log
