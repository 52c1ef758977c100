"""Which stages each part of a pipeline runs, without running them."""

from unittest.mock import Mock

import pytest

from mmdin.config import Config, Input, Part
from spark_jobs import pipeline

STAGES: dict[Part, list[str]] = {
    "prepare": ["ingest_ratings", "ingest_posters", "poster_features", "build_samples"],
    "train": ["train"],
    "evaluate": ["score", "evaluate", "report"],
}
STAGES["all"] = [stage for stages in STAGES.values() for stage in stages]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the stages that a pipeline would run."""
    names: list[str] = []

    def run_stages(spark: object, config: Config, stages: list[pipeline.Stage], *_: object) -> None:
        names.extend(stage.name for stage in stages)

    monkeypatch.setattr(pipeline, "run_stages", run_stages)
    monkeypatch.setattr(pipeline.report, "run", lambda *_: names.append("report"))
    return names


@pytest.mark.parametrize("part", STAGES)
def test_a_part_runs_its_stages_in_order(part: Part, ran: list[str]) -> None:
    pipeline.run(Mock(), Config(name="x", part=part))
    assert ran == STAGES[part]


def test_samples_are_prepared_from_anothers_tables_without_ingestion(ran: list[str]) -> None:
    pipeline.run(Mock(), Config(name="x", part="prepare", input=Input(tables="build/demo")))
    assert ran == ["build_samples"]
