"""A trained network is used in a session of Spark Connect as in a classic one."""

import json
import logging
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from connect_session import ONE_PARTITION, RECOMMEND, recommend
from pipelines import Local
from pyspark.sql import SparkSession

from mmdin import Pipeline, load_config
from mmdin.schemas import PAIR_SCORES, PREDICTIONS, REASONS, RECOMMENDATIONS, Table
from mmdin.tables import Tables

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

SCRIPT = Path(__file__).parent / "connect_session.py"


@pytest.fixture
def server(spark: SparkSession) -> Iterator[str]:
    """The address of a server of Spark Connect in the JVM of the tests, which has run before."""
    jvm = spark.sparkContext._jvm
    settings = jvm.org.apache.spark.SparkEnv.get().conf()
    settings.set("spark.connect.grpc.binding.address", "127.0.0.1")
    settings.set("spark.connect.grpc.binding.port", "0")
    services = jvm.org.apache.spark.sql.connect.service
    service = getattr(getattr(services, "SparkConnectService$"), "MODULE$")
    service.start(spark.sparkContext._jsc.sc())
    yield f"sc://127.0.0.1:{service.localPort()}"
    service.stop(jvm.scala.Option.empty(), jvm.scala.Option.empty())


@pytest.fixture
def one_partition(spark: SparkSession) -> Iterator[None]:
    before = spark.conf.get(ONE_PARTITION[0])
    spark.conf.set(*ONE_PARTITION)
    yield
    spark.conf.set(ONE_PARTITION[0], before)


@pytest.mark.usefixtures("one_partition")
def test_a_network_is_used_without_a_spark_context(
    spark: SparkSession,
    server: str,
    small_world: Path,
    local: Local,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    classic, connect = str(tmp_path / "classic"), str(tmp_path / "connect")
    for root in (classic, connect):
        shutil.copytree(local.root, root)
    # Without them, Spark itself is asked for a table's details.
    for checksum in Path(connect, "tables", "runs", "_delta_log").glob("*.crc"):
        checksum.unlink()
    # With a handler there Pipeline adds none, which later tests would have.
    monkeypatch.setattr(logging.getLogger("mmdin"), "handlers", [logging.NullHandler()])
    config = load_config(str(small_world), [f"root={classic}", *RECOMMEND])
    recommend(Pipeline(spark, config))
    tested = rows_of(spark, classic, PREDICTIONS, "model = 'mmdin'")
    pairs = write_pairs(tmp_path / "pairs.csv", tested)
    training, stages = run_script(server, str(small_world), connect, pairs)

    scored = rows_of(spark, connect, PAIR_SCORES)
    assert scores_by_pair(scored) == pytest.approx(scores_by_pair(tested), abs=1e-6)
    assert len(scored) == len(tested) > 100
    for table, place in ((RECOMMENDATIONS, ()), (REASONS, ("place",))):
        order = ("user_id", "rank", *place)
        expected = rows_of(spark, classic, table, order=order)
        assert list(map(about, expected)) == rows_of(spark, connect, table, order=order)
        assert expected
    assert "training starts Horovod's ranks through a SparkContext" in training
    assert "a pipeline counts and cancels its jobs through a SparkContext" in stages


def rows_of(
    spark: SparkSession,
    root: str,
    table: Table,
    condition: str = "true",
    order: Sequence[str] = (),
) -> list[dict]:
    rows = Tables(spark, root).read(table).where(condition).collect()
    return sorted((row.asDict() for row in rows), key=lambda row: [row[c] for c in order])


def about(row: dict) -> dict:
    """The row, whose fractions need to be met to 1e-6."""
    return {
        name: pytest.approx(value, abs=1e-6) if isinstance(value, float) else value
        for name, value in row.items()
    }


def write_pairs(path: Path, rows: Sequence[dict]) -> str:
    """A file of pairs and moments, for job predict."""
    lines = [f"{r['user_id']},{r['movie_id']},{r['rated_at'].timestamp():.0f}" for r in rows]
    path.write_text("\n".join(["user_id,movie_id,rated_at", *lines]))
    return str(path)


def scores_by_pair(rows: Sequence[dict]) -> dict[tuple[int, int], float]:
    return {(row["user_id"], row["movie_id"]): row["score"] for row in rows}


def run_script(*arguments: str) -> list[str]:
    """What the session of Spark Connect refuses."""
    ended = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-4000:]
    refused: list[str] = json.loads(ended.stdout.splitlines()[-1])
    return refused
