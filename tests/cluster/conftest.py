"""Clusters and file systems on this machine, one of each for the run, paused while no test uses it.

What can be there only once, such as network namespaces and the archive, is used by one file of
tests, or by files that run in one process: see TOGETHER in tests/conftest.py.
"""

import os
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from holding import wait_for
from hosts import can_make_hosts
from once import Once
from pipelines import PIPELINE, PROJECT, Local, launch, query
from pyspark.sql import SparkSession
from services import (
    JVM_OPTIONS,
    answers,
    end,
    fetch_hadoop,
    fetch_moto,
    free_port,
    pause,
    running,
    start,
)
from standalone import Standalone, run_standalone

from mmdin.config import load_config
from mmdin.variants import plan_variants
from spark_jobs import make_demo_data, pipeline, score


@pytest.fixture(scope="session")
def archive() -> Path:
    """The packed environment, made once and kept while what it holds stays the same."""
    archive = PROJECT / "build" / "environment.tar.gz"
    archive.parent.mkdir(exist_ok=True)
    launch("package_env.sh", str(archive))
    return archive


@pytest.fixture(scope="session")
def small_world(spark: SparkSession, once: Once) -> Path:
    """The configuration of a small invented world whose files are written."""
    with once("world") as (folder, is_new):
        path = folder / "small.yaml"
        if is_new:
            _write_world(spark, path)
    return path


def _write_world(spark: SparkSession, path: Path) -> None:
    folder = path.parent
    folder.mkdir()
    configuration = {
        "input": {
            "movielens": f"file://{folder}/input/movielens",
            "posters": f"file://{folder}/input/posters",
        },
        "world": {"users": 150, "movies": 200, "ratings": 4000},
        "networks": {"embedding_size": 8, "hidden_units": [32], "width": 32, "blocks": 1},
        "training": {"models": ["mmdin"], "batch_size": 64, "epochs": 3},
    }
    path.write_text(yaml.safe_dump(configuration))
    made = [
        f"root={folder}/made",
        f"input.movielens={folder}/input/movielens",
        f"input.posters={folder}/input/posters",
    ]
    make_demo_data.run(spark, plan_variants(load_config(str(path), made)))


@pytest.fixture(scope="session")
def local(spark: SparkSession, small_world: Path, once: Once) -> Local:
    """The pipeline in local mode, as far as it is compared: up to the scores."""
    with once("local") as (folder, is_new):
        root = str(folder)
        if is_new:
            _run_locally(spark, str(small_world), root)
    return Local(root, query(spark, root, PIPELINE))


def _run_locally(spark: SparkSession, world: str, root: str) -> None:
    for part in ("prepare", "train"):
        config = load_config(world, [f"root={root}", f"part={part}"])
        pipeline.run(spark, plan_variants(config))
    score.run(spark, plan_variants(load_config(world, [f"root={root}"])))


@pytest.fixture(scope="session")
def paused_standalone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    if not can_make_hosts():
        pytest.skip("making hosts needs root and iproute2")
    with run_standalone(tmp_path_factory.mktemp("standalone")) as cluster:
        pause(cluster.processes)
        yield cluster


@pytest.fixture
def standalone(paused_standalone: Standalone) -> Iterator[Standalone]:
    """A cluster of Spark's own; skips where this process may make no hosts."""
    with running(paused_standalone.processes):
        yield paused_standalone


@pytest.fixture(scope="session")
def paused_hadoop(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[subprocess.Popen, Path]]:
    folder = tmp_path_factory.mktemp("hadoop")
    java = Path(os.environ["JAVA_HOME"], "bin/java") if "JAVA_HOME" in os.environ else "java"
    source = Path(__file__).with_name("MiniCluster.java")
    options = ["-Xmx1g", *JVM_OPTIONS.split(), "--add-opens", "java.base/java.lang=ALL-UNNAMED"]
    command = [java, *options, "-cp", f"{fetch_hadoop()}/*", source, folder]
    log, ready = folder / "log", folder / "conf/core-site.xml"
    cluster = start(command, log, cwd=folder, stdin=subprocess.PIPE)
    try:
        wait_for(ready.exists, cluster, log)
        pause([cluster])
        yield cluster, ready.parent
    finally:
        end(cluster)


@pytest.fixture
def hadoop(paused_hadoop: tuple[subprocess.Popen, Path]) -> Iterator[Path]:
    """HDFS and YARN: the folder that HADOOP_CONF_DIR must name."""
    cluster, configuration = paused_hadoop
    with running([cluster]):
        yield configuration


@pytest.fixture
def hdfs(hadoop: Path) -> str:
    """URL of the HDFS."""
    url = re.search(r"hdfs://localhost:\d+", (hadoop / "core-site.xml").read_text())
    assert url
    return url.group()


@pytest.fixture(scope="session")
def paused_s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[subprocess.Popen, str]]:
    log = tmp_path_factory.mktemp("s3") / "log"
    port = free_port()
    service = start([fetch_moto(), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], log)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: answers(address), service, log)
        bucket = urllib.request.Request(f"{address}/bucket", method="PUT")
        urllib.request.urlopen(bucket, timeout=30).close()
        pause([service])
        yield service, address
    finally:
        end(service)


@pytest.fixture
def s3(paused_s3: tuple[subprocess.Popen, str]) -> Iterator[str]:
    """The address of an S3 service that has a bucket called bucket."""
    service, address = paused_s3
    with running([service]):
        yield address
