"""What a pod of the image runs, with an invented Spark and Java."""

import os
import subprocess
from pathlib import Path

import pytest
from submitting import PROJECT

TOLD = {
    "SPARK_DRIVER_BIND_ADDRESS": "10.0.0.7",
    "SPARK_EXECUTOR_MEMORY": "2g",
    "SPARK_DRIVER_URL": "spark://driver:7078",
    "SPARK_EXECUTOR_ID": "3",
    "SPARK_EXECUTOR_CORES": "4",
    "SPARK_APPLICATION_ID": "spark-1",
    "SPARK_EXECUTOR_POD_IP": "10.0.0.8",
    "SPARK_RESOURCE_PROFILE_ID": "0",
    "SPARK_EXECUTOR_POD_NAME": "pod-3",
    "SPARK_CONF_DIR": "/opt/spark/conf",
    **{f"SPARK_JAVA_OPT_{n}": f"-Doption={n} and more" for n in range(12)},
}
"""What Spark tells a pod by its environment."""


@pytest.fixture
def run(tmp_path: Path):
    """Run the pod's script, for the words of the command that it ends in."""
    (tmp_path / "bin").mkdir()
    for command in ("spark-submit", "java"):
        invented = tmp_path / "bin" / command
        invented.write_text('#!/bin/sh\nprintf "%s\\n" "${0##*/}" "$@"\n')
        invented.chmod(0o755)

    def run(*arguments: str) -> list[str]:
        path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
        ended = subprocess.run(
            [str(PROJECT / "submit/pod.sh"), *arguments],
            env={**TOLD, "SPARK_HOME": str(tmp_path), "PATH": path},
            capture_output=True,
            text=True,
            check=True,
        )
        return ended.stdout.splitlines()

    return run


def test_a_driver_is_a_client_in_its_pod(run) -> None:
    job = ["--class", "org.apache.spark.deploy.PythonRunner", "local:///opt/mmdin/x.py", "a b"]
    words = run("driver", *job)
    assert words[:3] == ["spark-submit", "--deploy-mode", "client"]
    assert "spark.driver.bindAddress=10.0.0.7" in words
    assert words[-4:] == job


def test_an_executor_is_told_all_it_needs(run) -> None:
    words = run("executor")
    assert words[0] == "java"
    assert words[1:13] == [f"-Doption={n} and more" for n in range(12)]
    assert words[13:15] == ["-Xms2g", "-Xmx2g"]
    backend = words.index("org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend")
    options = words[backend + 1 :]
    assert dict(zip(options[::2], options[1::2], strict=True)) == {
        "--driver-url": "spark://driver:7078",
        "--executor-id": "3",
        "--cores": "4",
        "--app-id": "spark-1",
        "--hostname": "10.0.0.8",
        "--resourceProfileId": "0",
        "--podName": "pod-3",
    }
    assert words[words.index("-cp") + 1].startswith("/opt/spark/conf:")


def test_anything_else_is_a_command(run) -> None:
    assert run("echo", "hello", "pod") == ["hello pod"]
