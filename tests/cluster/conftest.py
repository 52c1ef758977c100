"""Clusters and file systems on this machine."""

import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from hosts import Host, can_make_hosts, make_hosts, stop
from pipelines import PROJECT, launch
from services import answers, end, fetch_hadoop, fetch_moto, wait_for

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
    """The configuration of a small invented world that is there."""
    folder = tmp_path_factory.mktemp("world")
    configuration = {
        "input": {
            "movielens": f"file://{folder}/input/movielens",
            "posters": f"file://{folder}/input/posters",
        },
        "world": {"users": 150, "movies": 600, "ratings": 20_000},
        "networks": {"embedding_size": 8, "hidden_units": [32], "width": 32, "blocks": 1},
        "training": {"models": ["mmdin"], "batch_size": 256, "epochs": 3, "learning_rate": 0.003},
    }
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(configuration))
    here = [f"input.movielens={folder}/input/movielens", f"input.posters={folder}/input/posters"]
    launch(
        *("local.sh", "make_demo_data", "--conf", str(path)),
        *("--set", f"root={folder}/made", *here),
    )
    return path


@pytest.fixture(scope="session")
def local(small_world: Path) -> str:
    """Root of the pipeline in local mode, which others are compared with."""
    root = str(small_world.with_name("local"))
    launch("local.sh", "pipeline", "--conf", str(small_world), "--set", f"root={root}")
    return root


@pytest.fixture(scope="session")
def hadoop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """HDFS and YARN: the folder that HADOOP_CONF_DIR is to name."""
    folder = tmp_path_factory.mktemp("hadoop")
    java = Path(os.environ["JAVA_HOME"], "bin/java") if "JAVA_HOME" in os.environ else "java"
    source = Path(__file__).with_name("MiniCluster.java")
    opened = ["--add-opens", "java.base/java.lang=ALL-UNNAMED"]
    command = [java, "-Xmx1g", *opened, "-cp", f"{fetch_hadoop()}/*", source, folder]
    ready = folder / "conf/core-site.xml"
    with (folder / "log").open("w") as log:
        cluster = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        wait_for(ready.exists, cluster, folder / "log")
        yield ready.parent
    finally:
        end(cluster)


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an S3 service that has a bucket called bucket."""
    log_file = tmp_path_factory.mktemp("s3") / "log"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [fetch_moto(), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with log_file.open("w") as log:
        service = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: answers(address), service, log_file)
        bucket = urllib.request.Request(f"{address}/bucket", method="PUT")
        urllib.request.urlopen(bucket, timeout=30).close()
        yield address
    finally:
        end(service)
