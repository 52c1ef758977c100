"""A cluster of Spark's own: a master on the driver's host, and a worker on each of two others."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from holding import wait_for
from hosts import Host, make_hosts
from pipelines import PROJECT
from services import end, start

SPARK_CLASS = str(PROJECT / ".venv" / "bin" / "spark-class")
PORT = 7077
_READY = {"Master": "I have been elected leader", "Worker": "Successfully registered with master"}


@dataclass(frozen=True)
class Standalone:
    """A cluster of two workers with two cores each.

    Attributes:
        driver: the host that jobs are submitted from.
        workers: the other hosts.
        logs: folder of the logs of master and workers, and of the workers' applications.
        processes: the master's and the workers'.
    """

    driver: Host
    workers: list[Host]
    logs: Path
    processes: list[subprocess.Popen] = field(default_factory=list)

    @property
    def master(self) -> str:
        """Spark's URL of the cluster."""
        return f"spark://{self.driver.name}:{PORT}"

    def applications(self, host: Host) -> list[Path]:
        """Folders of the applications that ran on a worker's host, in order."""
        return sorted((self.logs / f"{host.name}-work").glob("app-*"))

    def executors(self) -> list[psutil.Process]:
        """The processes of the executors that run now."""
        executors = []
        for service in self.processes:
            for process in psutil.Process(service.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):  # It has ended since it was listed.
                    if "CoarseGrainedExecutorBackend" in " ".join(process.cmdline()):
                        executors.append(process)
        return executors


@contextlib.contextmanager
def run_standalone(logs: Path) -> Iterator[Standalone]:
    """A cluster that runs as long as the context."""
    with (
        make_hosts(["mmdin-driver", "mmdin-one", "mmdin-two"]) as (driver, *workers),
        contextlib.ExitStack() as ending,
    ):
        cluster = Standalone(driver, workers, logs)
        _start(ending, cluster, driver, "Master", "--host", driver.name, "--port", str(PORT))
        for host in workers:
            options = ["--host", host.name, "--cores", "2", "--memory", "6g"]
            options += ["--work-dir", str(logs / f"{host.name}-work"), cluster.master]
            _start(ending, cluster, host, "Worker", *options)
        yield cluster


def _start(
    ending: contextlib.ExitStack, cluster: Standalone, host: Host, role: str, *arguments: str
) -> None:
    log = cluster.logs / f"{host.name}.log"
    name = f"org.apache.spark.deploy.{role.lower()}.{role}"
    # Spark's script finds pip's pyspark by this Python.
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable}
    command = host.command([SPARK_CLASS, name, "--webui-port", "0", *arguments])
    process = start(command, log, env=environment)
    ending.callback(end, process)
    cluster.processes.append(process)
    wait_for(lambda: _READY[role] in log.read_text(), process, log)
