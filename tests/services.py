"""Services on this machine for tests. Their parts are fetched once and kept in a cache."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mmdin"
JVM_OPTIONS = os.environ["SPARK_DAEMON_JAVA_OPTS"]
"""Those of every JVM of the tests; tests/conftest.py sets them."""

HADOOP_VERSION = "3.5.0"
"""That of Spark's own client."""

HADOOP = (
    f"org.apache.hadoop:hadoop-client-minicluster:{HADOOP_VERSION}",
    # Its own list lacks these, or expects them of an older JDK.
    "org.apache.logging.log4j:log4j-1.2-api:2.24.3",
    "org.apache.logging.log4j:log4j-core:2.24.3",
    "org.bouncycastle:bcpkix-jdk18on:1.78.1",
    "javax.xml.bind:jaxb-api:2.3.1",
    "com.sun.xml.bind:jaxb-impl:2.3.3",
    "org.junit.jupiter:junit-jupiter-api:5.13.4",
)
# Its own environment: its botocore wants an older python-dateutil than requirements.lock has.
MOTO = ("moto[s3]==5.2.5", "flask==3.1.3", "flask-cors==6.0.5")


def fetch_hadoop() -> Path:
    """The folder with the jars of a cluster in one process, which Spark's own Ivy fetches."""
    ivy, nothing = CACHE / f"hadoop-{HADOOP_VERSION}", CACHE / "nothing.py"
    complete, packages = ivy / "complete", ",".join(HADOOP)
    if not complete.exists() or complete.read_text() != packages:
        ivy.mkdir(parents=True, exist_ok=True)
        nothing.touch()
        options = ["--master", "local[1]", "--packages", packages]
        options += ["--conf", f"spark.jars.ivy={ivy}"]
        python = {"PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
        command = [Path(sys.executable).with_name("spark-submit"), *options, nothing]
        subprocess.run(command, env={**os.environ, **python}, check=True, timeout=900)
        complete.write_text(packages)
    return ivy / "jars"


def fetch_moto() -> Path:
    """A Python that has moto's server."""
    python = CACHE / "moto-5.2.5" / "bin" / "python"
    if not (python.parent / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", python.parents[1]], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *MOTO], check=True, timeout=900)
        (python.parent / "complete").touch()
    return python


def start(command: Sequence[object], log: Path, **options: Any) -> subprocess.Popen:
    """Start a service in its own process group, which `running` and `end` signal."""
    with log.open("w") as console:
        return subprocess.Popen(
            command,
            stdout=console,
            stderr=subprocess.STDOUT,
            # Not a session: then the kernel ends stopped services if the tests are killed.
            process_group=0,
            **options,
        )


def free_port() -> int:
    """A port of this machine that nothing uses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def answers(address: str) -> bool:
    """Whether an HTTP service answers."""
    try:
        urllib.request.urlopen(address, timeout=5).close()
    except OSError:
        return False
    return True


def pause(processes: Iterable[subprocess.Popen]) -> None:
    """Stop services, which would take time from other tests while they are idle."""
    for process in processes:
        os.killpg(process.pid, signal.SIGSTOP)


@contextlib.contextmanager
def running(processes: Sequence[subprocess.Popen]) -> Iterator[None]:
    """Let paused services run until the context is left."""
    for process in processes:
        os.killpg(process.pid, signal.SIGCONT)
    try:
        yield
    finally:
        pause(processes)


def end(process: subprocess.Popen, patience: float = 20) -> None:
    """End a service, paused or not, and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        os.killpg(process.pid, signal.SIGCONT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
