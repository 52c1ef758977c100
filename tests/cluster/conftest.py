"""File systems on this machine."""

import os
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from services import MINICLUSTER, answers, end, fetch_jars, fetch_moto, wait_for


@pytest.fixture(scope="session")
def hadoop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """HDFS: the folder that HADOOP_CONF_DIR is to name."""
    folder = tmp_path_factory.mktemp("hadoop")
    java = Path(os.environ["JAVA_HOME"], "bin/java") if "JAVA_HOME" in os.environ else "java"
    source = Path(__file__).with_name("MiniCluster.java")
    jars = f"{fetch_jars(MINICLUSTER)}/*"
    command = [str(java), "-Xmx768m", "-cp", jars, str(source), str(folder)]
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
