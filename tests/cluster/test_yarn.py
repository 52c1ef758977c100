"""The pipeline on YARN with everything in HDFS."""

from pathlib import Path

import pytest
from pipelines import PIPELINE, PROJECT, Local, assert_same, cluster_file, launch, query_by_launcher

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]


def test_a_pipeline_on_yarn(
    hadoop: Path, hdfs: str, small_world: Path, local: Local, tmp_path: Path
) -> None:
    root = f"{hdfs}/mmdin"
    executors = {"executors": 2, "cores": 1, "memory": "1g", "memory_overhead": "2g"}
    more = {"project_dir": str(PROJECT), "etl": executors, "training": executors}
    file = cluster_file(tmp_path / "yarn.yaml", "yarn", **more)
    options = ["--conf", str(small_world), "--cluster", str(file), "--set", f"root={root}"]
    printed = launch("yarn.sh", "pipeline", *options, HADOOP_CONF_DIR=str(hadoop))
    assert "application 3 of 3" in printed
    assert "to local disk (no native client for hdfs here), again in each epoch" in printed
    assert f"report: open {root}/report/index.html" in printed
    assert "the log could not be stored" not in printed
    assert_same(query_by_launcher(root, PIPELINE), local)
