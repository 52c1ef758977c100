"""The benchmark as one runs it: on samples that a pipeline left."""

import re
from pathlib import Path

import pytest
from pipelines import launch, query

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


def test_the_benchmark_reports_one_rank_and_two(small_world: Path, local: str) -> None:
    before = query(local, "SELECT count(*) FROM runs")
    options = ["--conf", str(small_world), "--set", f"root={local}"]
    printed = launch("local.sh", "benchmark", *options)
    said = re.search(
        r"mmdin: ([\d,]+) rows/s with 1 rank, ([\d,]+) with 2: ([\d.]+) times as fast", printed
    )
    assert said, printed
    one, two, times = (float(number.replace(",", "")) for number in said.groups())
    assert one > 0
    assert times == pytest.approx(two / one, abs=0.01)
    assert query(local, "SELECT count(*) FROM runs") == before
