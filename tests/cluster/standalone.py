"""A cluster of Spark's own: a master beside the driver, and a worker on each of two other hosts."""

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hosts import Host, make_hosts, stop
from pipelines import PROJECT
from services import wait_for

SPARK_CLASS = str(PROJECT / ".venv" / "bin" / "spark-class")
PORT = 7077


@dataclass(frozen=True)
class Standalone:
    """A running cluster of two workers with two cores each.

    driver: the host that jobs are submitted from; workers: the others; logs: folder of what master
    and workers say.
    """

    driver: Host
    workers: list[Host]
    logs: Path

    @property
    def master(self) -> str:
        """Spark's URL of the cluster."""
        return f"spark://{self.driver.name}:{PORT}"


@contextlib.contextmanager
def run_standalone(logs: Path) -> Iterator[Standalone]:
    """A cluster that runs as long as the context."""
    with (
        make_hosts(["mmdin-driver", "mmdin-one", "mmdin-two"]) as (driver, *workers),
        contextlib.ExitStack() as running,
    ):
        cluster = Standalone(driver, workers, logs)
        _start(running, logs, driver, "Master", "--host", driver.name, "--port", str(PORT))
        for host in workers:
            own = ["--host", host.name, "--cores", "2", "--memory", "6g"]
            own += ["--work-dir", str(logs / f"{host.name}-work"), cluster.master]
            _start(running, logs, host, "Worker", *own)
        yield cluster


_READY = {"Master": "I have been elected leader", "Worker": "Successfully registered with master"}


def _start(
    running: contextlib.ExitStack, logs: Path, host: Host, what: str, *arguments: str
) -> None:
    log = logs / f"{host.name}.log"
    name = f"org.apache.spark.deploy.{what.lower()}.{what}"
    with log.open("w") as console:
        command = [SPARK_CLASS, name, "--webui-port", "0", *arguments]
        # With which Spark's script finds pip's pyspark.
        environment = {**os.environ, "PYSPARK_PYTHON": sys.executable}
        process = host.start(command, console, env=environment)
    running.callback(stop, process)
    wait_for(lambda: _READY[what] in log.read_text(), process, log)
