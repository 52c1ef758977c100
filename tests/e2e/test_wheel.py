"""The wheel brings all that its command needs. That it runs a pipeline is in test_pipeline.py."""

import os
import re
import shlex
import subprocess
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest
from launching import PROJECT

pytestmark = pytest.mark.e2e


def run(command: Path, *arguments: str, cwd: Path) -> str:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    ended = subprocess.run(
        [command, *arguments], cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_its_command_knows_every_job(installed: Path, tmp_path: Path) -> None:
    helped = run(installed, "--help", cwd=tmp_path)
    jobs = {path.stem for path in (PROJECT / "spark_jobs").glob("[a-z]*.py")}
    assert jobs == set(re.findall(r"^  (\w+) +\S", helped, re.MULTILINE))
    assert "usage: mmdin JOB" in helped


def test_it_brings_the_configurations_and_its_own_code(installed: Path, tmp_path: Path) -> None:
    arguments = ("make_demo_data", "--conf", "conf/demo.yaml", "--dry-run")
    words = shlex.split(run(installed, *arguments, cwd=tmp_path))
    own = installed.parents[1]
    for file in ("spark_jobs/make_demo_data.py", "conf/demo.yaml", "conf/spark/local.conf"):
        (path,) = [word for word in words if word.endswith(file)]
        assert Path(path).is_relative_to(own)
        assert Path(path).is_file()


def test_it_names_what_it_needs(installed: Path) -> None:
    (folder,) = installed.parents[1].glob("lib/*/site-packages/mmdin-*.dist-info")
    needed = PathDistribution(folder).requires or []
    names = {re.split(r"[ =<>\[;]", r)[0].lower() for r in needed if "extra ==" not in r}
    assert {"pyspark", "delta-spark", "petastorm", "tensorflow", "horovod"} <= names
    assert not names & {"pytest", "ruff"}
