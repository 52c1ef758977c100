"""Samples are built, and pairs described and scored, in a session of Spark Connect."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

SCRIPT = Path(__file__).parent / "connect_session.py"


def test_scores_need_no_spark_context(tmp_path: Path) -> None:
    variables = {**os.environ, "PYSPARK_PYTHON": sys.executable}
    variables.pop("PYSPARK_SUBMIT_ARGS", None)
    ended = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path / "root")],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-4000:]
    found = json.loads(ended.stdout.splitlines()[-1])
    assert len(found["samples"]) > 20
    assert found["pairs"] == pytest.approx(found["samples"], abs=1e-6)
    assert len(set(found["samples"].values())) > 10
    assert "training starts Horovod's ranks through a SparkContext" in found["training"]
