"""Drivers that are killed with SIGKILL while they train and while they write."""

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest
from holding import Hold, wait_for
from pipelines import PROJECT, Local, launch, query, with_samples_of
from properties import properties_file
from pyspark.sql import SparkSession
from services import start

from mmdin.schemas import LINKS
from mmdin.tables import Tables

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1200)]


def test_a_killed_driver_resumes(
    spark: SparkSession, small_world: Path, local: Local, tmp_path: Path
) -> None:
    root = with_samples_of(local, tmp_path / "killed")
    options = ["train", "--conf", str(small_world), "--set", f"root={root}"]
    log, hold = tmp_path / "log", Hold(tmp_path)
    properties = properties_file(tmp_path / "held.conf", hold.properties)
    environment = {"MMDIN_MEMORY": "2g", "MMDIN_SPARK_PROPERTIES": str(properties)}
    command = [PROJECT / "submit" / "local.sh", *options]
    driver = start(command, log, env={**os.environ, **environment})
    wait_for(hold.is_reached, driver, log)
    children = psutil.Process(driver.pid).children(recursive=True)
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
    # Ranks that still run would write to the files of the next training.
    _, left = psutil.wait_procs(children, timeout=60)
    assert left == []
    (run_id,) = (p.name for p in (tmp_path / "killed" / "checkpoints").iterdir())
    printed = launch("local.sh", *options, "--resume", run_id)
    assert f"{run_id} (mmdin) is resumed after its last saved epoch" in printed
    results = query(spark, root, ["epochs", "runs"])
    assert results["epochs"] == local.results["epochs"]
    assert results["runs"] == [[1]]


def test_a_killed_writer_leaves_the_table_unchanged(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(spark, str(tmp_path))
    tables.write(LINKS, spark.createDataFrame([(1, "0114709", 862)], LINKS.schema))
    computing = tmp_path / "computing"
    program = tmp_path / "writer.py"
    program.write_text(
        "import pathlib, time\n"
        "from mmdin.schemas import LINKS\n"
        "from mmdin.session import open_session\n"
        "from mmdin.tables import Tables\n"
        "def wait(batches):\n"
        "    yield from batches\n"
        f"    pathlib.Path('{computing}').touch()\n"
        "    time.sleep(600)\n"
        "spark = open_session('writer')\n"
        "rows = spark.createDataFrame([(2, '0113497', 8844)], LINKS.schema)\n"
        f"Tables(spark, '{tmp_path}').write(LINKS, rows.mapInArrow(wait, rows.schema))\n"
    )
    properties = str(PROJECT / "conf/spark/local.conf")
    python = {"PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
    log = tmp_path / "log"
    writer = start(
        [
            *(Path(sys.executable).with_name("spark-submit"), "--master", "local[1]"),
            *("--properties-file", properties, program),
        ],
        log,
        env={**os.environ, **python, "PYTHONPATH": str(PROJECT)},
    )
    wait_for(computing.exists, writer, log)
    os.killpg(writer.pid, signal.SIGKILL)
    writer.wait()
    assert tables.version(LINKS) == 0
    assert [r["movie_id"] for r in tables.read(LINKS).collect()] == [1]
    tables.write(LINKS, spark.createDataFrame([(3, "0113228", 15602)], LINKS.schema))
    assert [r["movie_id"] for r in tables.read(LINKS).collect()] == [3]
