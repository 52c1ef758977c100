"""The pipeline on YARN with everything in HDFS."""

import re
from pathlib import Path

import pytest
from pipelines import PROJECT, assert_same_as, cluster_file, launch

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]


def test_a_pipeline_on_yarn(hadoop: Path, small_world: Path, local: str, tmp_path: Path) -> None:
    found = re.search(r"hdfs://localhost:\d+", (hadoop / "core-site.xml").read_text())
    assert found
    root = f"{found.group()}/mmdin"
    executors = {"executors": 2, "cores": 1, "memory": "1g", "memory_overhead": "2g"}
    more = {"project_dir": str(PROJECT), "etl": executors, "training": executors}
    file = cluster_file(tmp_path / "yarn.yaml", "yarn", **more)
    options = ["--conf", str(small_world), "--cluster", str(file), "--set", f"root={root}"]
    printed = launch("yarn.sh", "pipeline", *options, HADOOP_CONF_DIR=str(hadoop))
    assert "to local disk (no native client for hdfs here), again in each epoch" in printed
    assert f"report: open {root}/report/index.html" in printed
    assert "the log could not be kept" not in printed
    assert_same_as(root, local)
