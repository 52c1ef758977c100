"""File systems and a cluster on this machine, whose parts are fetched once and kept in a cache."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mmdin"
SPARK_SUBMIT = str(Path(sys.executable).with_name("spark-submit"))
DELTA = "io.delta:delta-spark_4.0_2.13:4.3.1"
MINICLUSTER = "org.apache.hadoop:hadoop-client-minicluster:3.4.1"
# In a place of its own: its botocore wants an older python-dateutil than requirements.lock has.
MOTO = ("moto[s3]==5.2.5", "flask==3.1.3", "flask-cors==6.0.5")


@pytest.fixture(scope="session")
def hadoop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """HDFS: the folder that HADOOP_CONF_DIR is to name."""
    folder = tmp_path_factory.mktemp("hadoop")
    java = Path(os.environ["JAVA_HOME"], "bin/java") if "JAVA_HOME" in os.environ else "java"
    source = Path(__file__).with_name("MiniCluster.java")
    jars = f"{_fetch_jars(MINICLUSTER)}/*"
    command = [str(java), "-Xmx768m", "-cp", jars, str(source), str(folder)]
    ready = folder / "conf/core-site.xml"
    with (folder / "log").open("w") as log:
        cluster = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        _wait_for(ready.exists, cluster, folder / "log")
        yield ready.parent
    finally:
        _end(cluster)


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an S3 service that has a bucket called bucket."""
    log_file = tmp_path_factory.mktemp("s3") / "log"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [_fetch_moto(), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with log_file.open("w") as log:
        service = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(lambda: _answers(address), service, log_file)
        bucket = urllib.request.Request(f"{address}/bucket", method="PUT")
        urllib.request.urlopen(bucket, timeout=30).close()
        yield address
    finally:
        _end(service)


def _fetch_jars(package: str) -> Path:
    """The folder into which Spark's own Ivy puts a package and all it needs."""
    ivy = CACHE / package.replace(":", "-")
    nothing = CACHE / "nothing.py"
    CACHE.mkdir(parents=True, exist_ok=True)
    nothing.touch()
    if not (ivy / "complete").exists():
        options = ["--master", "local[1]", "--packages", package, "--conf", f"spark.jars.ivy={ivy}"]
        python = {"PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
        command = [SPARK_SUBMIT, *options, str(nothing)]
        subprocess.run(command, env={**os.environ, **python}, check=True, timeout=900)
        (ivy / "complete").touch()
    return ivy / "jars"


def _fetch_moto() -> str:
    python = CACHE / MOTO[0].replace("[s3]", "") / "bin/python"
    if not (python.parent / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *MOTO], check=True, timeout=900)
        (python.parent / "complete").touch()
    return str(python)


def _answers(address: str) -> bool:
    try:
        urllib.request.urlopen(address, timeout=5).close()
    except OSError:
        return False
    return True


def _wait_for(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 300
    while not ready():
        assert process.poll() is None, log.read_text()[-3000:]
        assert time.monotonic() < end, f"not ready after 300 s:\n{log.read_text()[-3000:]}"
        time.sleep(0.5)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
