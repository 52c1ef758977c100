"""The pipeline on two hosts, against the same in local mode."""

from pathlib import Path

import pytest
import yaml
from conftest import Standalone
from pipelines import PROJECT, assert_same_as

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]


def test_a_pipeline_on_two_hosts(
    standalone: Standalone, archive: Path, small_world: Path, local: str
) -> None:
    root = str(small_world.with_name("clustered"))
    executors = {"executors": 2, "cores": 1, "memory": "2g"}
    cluster = {
        "master": standalone.master,
        "driver": {"memory": "2g"},
        "etl": executors,
        "training": executors,
        "spark": {
            "spark.sql.shuffle.partitions": 4,
            "spark.databricks.delta.snapshotPartitions": 2,
        },
    }
    file = small_world.with_name("two_hosts.yaml")
    file.write_text(yaml.safe_dump(cluster))
    command = [str(PROJECT / "submit" / "standalone.sh"), "pipeline", "--conf", str(small_world)]
    command += ["--cluster", str(file), "--environment", str(archive), "--set", f"root={root}"]
    console = standalone.logs / "pipeline.log"
    with console.open("w") as output:
        status = standalone.driver.start(command, output).wait(timeout=1500)
    assert status == 0, console.read_text()[-6000:]
    assert_same_as(root, local)
    for host in standalone.workers:
        applications = list((standalone.logs / f"{host.name}-work").glob("app-*"))
        assert len(applications) == 3
        assert all(list(a.glob("*/environment/bin/python3")) for a in applications)
