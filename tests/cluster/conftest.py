"""Clusters and file systems on this machine.

They end with the module that asked for them: idle, they would still take from the cores of what
runs after it, where speed is measured too.
"""

import os
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hosts import can_make_hosts
from pipelines import PROJECT, launch
from services import answers, end, fetch_hadoop, fetch_moto, wait_for
from standalone import Standalone, run_standalone


@pytest.fixture(scope="session")
def archive() -> Path:
    """The packed environment, made once and kept while what it holds stays the same."""
    archive = PROJECT / "build" / "environment.tar.gz"
    archive.parent.mkdir(exist_ok=True)
    launch("package_env.sh", str(archive))
    return archive


@pytest.fixture(scope="module")
def standalone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    """A running cluster; skips where this machine lets us make no hosts."""
    if not can_make_hosts():
        pytest.skip("making hosts needs root and iproute2")
    with run_standalone(tmp_path_factory.mktemp("standalone")) as cluster:
        yield cluster


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
        "training": {"models": ["mmdin"], "batch_size": 256, "epochs": 8, "patience": 8},
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


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
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
