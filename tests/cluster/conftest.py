"""A standalone cluster of two hosts, and the archive that its executors run."""

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from hosts import Host, can_make_hosts, make_hosts, stop

PROJECT = Path(__file__).resolve().parents[2]
SPARK_CLASS = str(PROJECT / ".venv" / "bin" / "spark-class")
PORT = 7077


@dataclass(frozen=True)
class Standalone:
    """Spark's own master beside the driver, and a worker of two cores on each of two hosts.

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


@pytest.fixture(scope="session")
def archive() -> Path:
    """The packed environment, made once and kept while what it holds stays the same."""
    archive = PROJECT / "build" / "environment.tar.gz"
    archive.parent.mkdir(exist_ok=True)
    subprocess.run([str(PROJECT / "submit" / "package_env.sh"), str(archive)], check=True)
    return archive


@pytest.fixture(scope="session")
def standalone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    """A running cluster; skips where this machine lets us make no hosts."""
    if not can_make_hosts():
        pytest.skip("making hosts needs root and iproute2")
    logs = tmp_path_factory.mktemp("standalone")
    with make_hosts(["mmdin-driver", "mmdin-one", "mmdin-two"]) as (driver, *workers):
        cluster = Standalone(driver, workers, logs)
        processes = [_start(driver, "Master", ["--host", driver.name, "--port", str(PORT)], logs)]
        _wait_for(logs / "mmdin-driver.log", "I have been elected leader")
        for host in workers:
            own = ["--host", host.name, "--cores", "2", "--memory", "6g"]
            own += ["--work-dir", str(logs / f"{host.name}-work"), cluster.master]
            processes.append(_start(host, "Worker", own, logs))
        for host in workers:
            _wait_for(logs / f"{host.name}.log", "Successfully registered with master")
        try:
            yield cluster
        finally:
            for process in processes:
                stop(process)


def _start(host: Host, what: str, arguments: list[str], logs: Path) -> subprocess.Popen:
    name = f"org.apache.spark.deploy.{what.lower()}.{what}"
    with (logs / f"{host.name}.log").open("w") as console:
        return host.start([SPARK_CLASS, name, "--webui-port", "0", *arguments], console)


def _wait_for(log: Path, said: str, patience: float = 60) -> None:
    deadline = time.monotonic() + patience
    while said not in log.read_text():
        assert time.monotonic() < deadline, f"{said} is not in {log}:\n{log.read_text()[-4000:]}"
        time.sleep(0.2)


@pytest.fixture(scope="session")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small invented world and its configuration small.yaml."""
    folder = tmp_path_factory.mktemp("world")
    configuration = {
        "input": {
            "movielens": str(folder / "input" / "movielens"),
            "posters": str(folder / "input" / "posters"),
        },
        "world": {"users": 150, "movies": 600, "ratings": 20_000},
        "networks": {"embedding_size": 8, "hidden_units": [32], "width": 32, "blocks": 1},
        "training": {
            "models": ["din", "mmdin"],
            "batch_size": 256,
            "epochs": 3,
            "learning_rate": 0.003,
        },
    }
    (folder / "small.yaml").write_text(yaml.safe_dump(configuration))
    command = [str(PROJECT / "submit" / "local.sh"), "make_demo_data", "--conf", "small.yaml"]
    subprocess.run([*command, "--set", f"root={folder}/made"], cwd=folder, check=True)
    return folder
