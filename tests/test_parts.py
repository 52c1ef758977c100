"""Which stages each part of a pipeline runs, without running them."""

from unittest.mock import Mock

import pytest

from mmdin import stages
from mmdin.config import Config, Input, Part, Tracking
from mmdin.variants import Plan, plan_variants
from spark_jobs import pipeline

STAGES: dict[Part, list[str]] = {
    "prepare": ["ingest_ratings", "ingest_posters", "build_samples"],
    "train": ["train"],
    "evaluate": ["score", "evaluate", "report"],
}
STAGES["all"] = [stage for stages in STAGES.values() for stage in stages]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the stages that a pipeline would run."""
    names: list[str] = []

    def run_stages(spark: object, plan: Plan, chosen: list[stages.Stage]) -> None:
        names.extend(stage.name for stage in chosen)

    monkeypatch.setattr(stages, "run_stages", run_stages)
    return names


@pytest.mark.parametrize("part", STAGES)
def test_a_part_runs_its_stages_in_order(part: Part, ran: list[str]) -> None:
    pipeline.run(Mock(), plan_variants(Config(name="x", part=part)))
    assert ran == STAGES[part]


def test_samples_are_prepared_from_anothers_tables_without_ingestion(ran: list[str]) -> None:
    config = Config(name="x", part="prepare", input=Input(tables="build/demo"))
    pipeline.run(Mock(), plan_variants(config))
    assert ran == ["build_samples"]


def test_runs_are_logged_only_if_a_server_is_named(ran: list[str]) -> None:
    config = Config(name="x", part="evaluate", tracking=Tracking(mlflow="http://somewhere"))
    pipeline.run(Mock(), plan_variants(config))
    assert ran == [*STAGES["evaluate"], "track"]
