"""The benchmark as a user runs it, on samples of a pipeline."""

import re
from pathlib import Path

import pytest
from pipelines import Local, launch, query
from pyspark.sql import SparkSession

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


def test_the_benchmark_reports_one_rank_and_two(
    spark: SparkSession, small_world: Path, local: Local
) -> None:
    before = query(spark, local.root, ["runs"])
    options = ["--conf", str(small_world), "--set", f"root={local.root}"]
    printed = launch("local.sh", "benchmark", *options)
    reported = re.search(
        r"mmdin: ([\d,]+) rows/s with 1 rank, ([\d,]+) with 2: ([\d.]+) times as fast", printed
    )
    assert reported, printed
    one, two, times = (float(number.replace(",", "")) for number in reported.groups())
    assert one > 0
    assert times == pytest.approx(two / one, abs=0.01)
    assert query(spark, local.root, ["runs"]) == before
