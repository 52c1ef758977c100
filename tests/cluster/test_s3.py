"""Ingestion to evaluation with everything in an S3 service."""

import re
from pathlib import Path

import pytest
from pipelines import PIPELINE, PROJECT, Local, assert_same, launch, query_by_launcher
from properties import properties_file
from services import HADOOP_VERSION

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]


def test_a_pipeline_in_a_bucket(s3: str, small_world: Path, local: Local, tmp_path: Path) -> None:
    local_conf = (PROJECT / "conf/spark/local.conf").read_text()
    delta = re.search(r"^spark\.jars\.packages (\S+)", local_conf, re.M)[1]
    settings = {
        "spark.jars.packages": f"{delta},org.apache.hadoop:hadoop-aws:{HADOOP_VERSION}",
        "spark.hadoop.fs.s3a.endpoint": s3,
        "spark.hadoop.fs.s3a.endpoint.region": "us-east-1",
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.hadoop.fs.s3a.access.key": "mmdin",
        "spark.hadoop.fs.s3a.secret.key": "never-shown",
        # The test service takes the answer to that header for the whole answer.
        "spark.hadoop.fs.s3a.connection.expect.continue": "false",
    }
    properties = str(properties_file(tmp_path / "spark.conf", settings))
    root = "s3a://bucket/mmdin"
    options = ["--conf", str(small_world), "--set", f"root={root}"]
    printed = launch("local.sh", "pipeline", *options, MMDIN_SPARK_PROPERTIES=properties)
    assert "to local disk (no native client for s3a here), again in each epoch" in printed
    assert f"report: open {root}/report/index.html" in printed
    assert "the log could not be stored" not in printed
    assert "never-shown" not in printed
    results = query_by_launcher(root, PIPELINE, MMDIN_SPARK_PROPERTIES=properties)
    assert_same(results, local)
