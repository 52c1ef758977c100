"""Everything that jobs keep, under roots that are no local folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from services import DELTA, PROJECT, SPARK_SUBMIT

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(os.environ.get("MMDIN_CLUSTER") != "1", reason="MMDIN_CLUSTER is not 1"),
]

HADOOP_AWS = "org.apache.hadoop:hadoop-aws:3.4.1"


def test_hdfs(hadoop: Path, tmp_path: Path) -> None:
    found = re.search(r"hdfs://localhost:\d+", (hadoop / "core-site.xml").read_text())
    assert found
    printed = submit(tmp_path, f"{found.group()}/mmdin", {})
    check(printed, f"{found.group()}/mmdin")


def test_s3(s3: str, tmp_path: Path) -> None:
    settings = {
        "spark.jars.packages": f"{DELTA},{HADOOP_AWS}",
        "spark.hadoop.fs.s3a.endpoint": s3,
        "spark.hadoop.fs.s3a.endpoint.region": "us-east-1",
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.hadoop.fs.s3a.access.key": "mmdin",
        "spark.hadoop.fs.s3a.secret.key": "never-shown",
        # The service for tests takes the answer to it for the whole answer.
        "spark.hadoop.fs.s3a.connection.expect.continue": "false",
    }
    printed = submit(tmp_path, "s3a://bucket/mmdin", settings)
    check(printed, "s3a://bucket/mmdin")
    assert "never-shown" not in printed


def submit(folder: Path, root: str, settings: dict[str, str]) -> str:
    """What the application storing prints with a root, in local mode."""
    configuration = {
        "root": root,
        "input": {"movielens": f"{root}/input"},
        "samples": {"with_posters_only": False, "files": 2},
    }
    (folder / "storing.yaml").write_text(yaml.safe_dump(configuration))
    properties = (PROJECT / "conf/spark/local.conf").read_text()
    lines = [f"{name} {value}" for name, value in settings.items()]
    (folder / "spark.conf").write_text("\n".join((properties, *lines)) + "\n")
    options = ["--master", "local[2]", "--properties-file", str(folder / "spark.conf")]
    job = [str(Path(__file__).with_name("storing.py")), "--conf", "storing.yaml"]
    python = {"PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
    ended = subprocess.run(
        [SPARK_SUBMIT, *options, *job],
        cwd=folder,
        env={**os.environ, **python, "PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1500,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-6000:]
    return ended.stdout


def check(printed: str, root: str) -> None:
    scheme = root.partition(":")[0]
    assert "storing: 1200 samples" in printed
    assert "storing: kept [('part-1', 1), ('part-2', 2)]" in printed
    copied = rf"rank [12]: copied 2 files, \S+ MB of samples .*no native client for {scheme} here"
    assert len(re.findall(copied, printed)) == 2
    assert f"storing: open {root}/report/index.html" in printed
    assert "the log could not be kept" not in printed
