"""Services on this machine for tests: their parts are fetched once, and kept in a cache."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mmdin"
HADOOP = (
    "org.apache.hadoop:hadoop-client-minicluster:3.4.1",
    # Which its own list forgets, or leaves to a JDK of its time.
    "org.apache.logging.log4j:log4j-1.2-api:2.24.3",
    "org.apache.logging.log4j:log4j-core:2.24.3",
    "org.bouncycastle:bcpkix-jdk18on:1.78.1",
    "javax.xml.bind:jaxb-api:2.3.1",
    "com.sun.xml.bind:jaxb-impl:2.3.3",
)
# In a place of its own: its botocore wants an older python-dateutil than requirements.lock has.
MOTO = ("moto[s3]==5.2.5", "flask==3.1.3", "flask-cors==6.0.5")


def fetch_hadoop() -> Path:
    """The folder with the jars of a cluster in one process, which Spark's own Ivy fetches."""
    ivy, nothing = CACHE / "hadoop-3.4.1", CACHE / "nothing.py"
    if not (ivy / "complete").exists():
        ivy.mkdir(parents=True, exist_ok=True)
        nothing.touch()
        options = ["--master", "local[1]", "--packages", ",".join(HADOOP)]
        options += ["--conf", f"spark.jars.ivy={ivy}"]
        python = {"PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
        command = [Path(sys.executable).with_name("spark-submit"), *options, nothing]
        subprocess.run(command, env={**os.environ, **python}, check=True, timeout=900)
        (ivy / "complete").touch()
    return ivy / "jars"


def fetch_moto() -> Path:
    """A Python that has moto's server."""
    python = CACHE / "moto-5.2.5" / "bin" / "python"
    if not (python.parent / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", python.parents[1]], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *MOTO], check=True, timeout=900)
        (python.parent / "complete").touch()
    return python


def answers(address: str) -> bool:
    """Whether an HTTP service answers."""
    try:
        urllib.request.urlopen(address, timeout=5).close()
    except OSError:
        return False
    return True


def wait_for(ready: Callable[[], bool], process: subprocess.Popen, log: Path) -> None:
    """Wait until a service is ready; fails with the end of its log."""
    latest = time.monotonic() + 300
    while not ready():
        assert process.poll() is None, log.read_text()[-3000:]
        assert time.monotonic() < latest, f"not ready after 300 s:\n{log.read_text()[-3000:]}"
        time.sleep(0.5)


def end(process: subprocess.Popen) -> None:
    """End a process, by force where it takes its time."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
