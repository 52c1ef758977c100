"""Parts of services for tests, fetched once and kept in a cache, and how they are awaited."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mmdin"
SPARK_SUBMIT = str(Path(sys.executable).with_name("spark-submit"))
DELTA = "io.delta:delta-spark_4.0_2.13:4.3.1"
MINICLUSTER = "org.apache.hadoop:hadoop-client-minicluster:3.4.1"
# In a place of its own: its botocore wants an older python-dateutil than requirements.lock has.
MOTO = ("moto[s3]==5.2.5", "flask==3.1.3", "flask-cors==6.0.5")


def fetch_jars(package: str) -> Path:
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


def fetch_moto() -> str:
    """A Python that has moto's server."""
    python = CACHE / MOTO[0].replace("[s3]", "") / "bin/python"
    if not (python.parent / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *MOTO], check=True, timeout=900)
        (python.parent / "complete").touch()
    return str(python)


def answers(address: str) -> bool:
    """Whether an HTTP service answers."""
    try:
        urllib.request.urlopen(address, timeout=5).close()
    except OSError:
        return False
    return True


def wait_for(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a service is ready; fails with the end of its log."""
    latest = time.monotonic() + 300
    while not ready():
        assert process.poll() is None, log.read_text()[-3000:]
        assert time.monotonic() < latest, f"not ready after 300 s:\n{log.read_text()[-3000:]}"
        time.sleep(0.5)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process, by force where it takes its time."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
