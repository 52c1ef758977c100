"""The pipeline on two hosts, against the same in local mode."""

import subprocess
from pathlib import Path

import psutil
import pytest
from pipelines import (
    PROJECT,
    assert_same_as,
    assert_same_training,
    cluster_file,
    query,
    with_samples_of,
)
from services import wait_for
from standalone import Standalone

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]


def test_a_pipeline_on_two_hosts(
    standalone: Standalone, archive: Path, small_world: Path, local: str
) -> None:
    root = str(small_world.with_name("clustered"))
    file = cluster_file(small_world.with_name("archived.yaml"), standalone.master)
    options = ["--conf", str(small_world), "--cluster", str(file), "--set", f"root={root}"]
    options += ["--environment", str(archive)]
    process, log = submit(standalone, "pipeline", *options)
    assert process.wait(timeout=1500) == 0, log.read_text()[-6000:]
    assert_same_as(root, local)
    for host in standalone.workers:
        applications = list((standalone.logs / f"{host.name}-work").glob("app-*"))
        assert len(applications) == 3
        assert all(list(a.glob("*/environment/bin/python3")) for a in applications)


def test_a_killed_executor_costs_at_most_an_epoch(
    standalone: Standalone, small_world: Path, local: str, tmp_path: Path
) -> None:
    root = with_samples_of(local, tmp_path / "killed")
    file = cluster_file(tmp_path / "project_dir.yaml", standalone.master, project_dir=str(PROJECT))
    options = ["--conf", str(small_world), "--cluster", str(file), "--set", f"root={root}"]
    process, log = submit(standalone, "train", *options)
    wait_for(lambda: "epoch   1/" in log.read_text(), process, log)
    executors = [p for p in psutil.process_iter() if "CoarseGrainedExecutorBackend" in said_by(p)]
    assert len(executors) == 2
    executors[0].kill()
    assert process.wait(timeout=900) == 0, log.read_text()[-6000:]
    assert "a rank was lost" in log.read_text()
    assert_same_training(root, local)
    ((times,),) = query(root, "SELECT size(resumed_after) AS times FROM runs")
    assert times == 1


def submit(standalone: Standalone, job: str, *options: str) -> tuple[subprocess.Popen, Path]:
    """A job that has been started on the driver's host, and what it prints."""
    log = standalone.logs / f"{job}.log"
    with log.open("w") as output:
        command = [str(PROJECT / "submit" / "standalone.sh"), job, *options]
        return standalone.driver.start(command, output), log


def said_by(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
