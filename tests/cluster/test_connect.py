"""A trained network is used in a session of Spark Connect as in a classic one."""

import json
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from connect_session import use_network
from pipelines import Local, query
from pyspark.sql import SparkSession

from mmdin import Pipeline, load_config
from mmdin.schemas import METRICS, PAIR_SCORES, REASONS, RECOMMENDATIONS, Table
from mmdin.tables import Tables

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

SCRIPT = Path(__file__).parent / "connect_session.py"


def test_a_network_is_used_without_a_spark_context(
    spark: SparkSession,
    small_world: Path,
    local: Local,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    roots = {kind: str(tmp_path / kind) for kind in ("classic", "connect")}
    for root in roots.values():
        shutil.copytree(local.root, root)
    pairs = tmp_path / "pairs.csv"
    lines = [f"{user},{movie}" for user in (3, 5, 8, 10**12) for movie in range(1, 9)]
    pairs.write_text("\n".join(["user_id,movie_id", *lines]))
    # With a handler there Pipeline adds none, which later tests would have.
    monkeypatch.setattr(logging.getLogger("mmdin"), "handlers", [logging.NullHandler()])
    config = load_config(str(small_world), [f"root={roots['classic']}"])
    use_network(Pipeline(spark, config), str(pairs))
    training, stages = run_script(str(small_world), roots["connect"], str(pairs))

    def same(table: Table, *keys: str) -> dict[tuple, dict]:
        """Rows of the session of Spark Connect, which are those of the classic one."""
        expected, found = (rows_of(spark, root, table, keys) for root in roots.values())
        assert found == {key: about(row) for key, row in expected.items()}
        return found

    assert len(same(PAIR_SCORES, "user_id", "movie_id")) == len(lines)
    assert len(same(RECOMMENDATIONS, "user_id", "rank")) > 1000
    assert same(REASONS, "user_id", "rank", "place")
    assert len(same(METRICS, "run_id")) > 1
    assert query(spark, roots["connect"], ["samples"])["samples"] == local.results["samples"]
    assert "training starts Horovod's ranks through a SparkContext" in training
    assert "a pipeline counts and cancels its jobs through a SparkContext" in stages


def run_script(*arguments: str) -> list[str]:
    """What the session of Spark Connect refuses."""
    variables = {**os.environ, "PYSPARK_PYTHON": sys.executable}
    variables.pop("PYSPARK_SUBMIT_ARGS", None)
    ended = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-4000:]
    refused: list[str] = json.loads(ended.stdout.splitlines()[-1])
    return refused


def rows_of(
    spark: SparkSession, root: str, table: Table, keys: tuple[str, ...]
) -> dict[tuple, dict]:
    rows = [row.asDict() for row in Tables(spark, root).read_small(table).collect()]
    return {tuple(row[key] for key in keys): row for row in rows}


def about(row: dict) -> dict:
    """The row, whose fractions need to be met to 1e-6."""
    return {
        name: pytest.approx(value, abs=1e-6, nan_ok=True) if isinstance(value, float) else value
        for name, value in row.items()
    }
