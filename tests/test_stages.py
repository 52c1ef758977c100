"""Stages run when something that they depend on, or that they wrote, has changed."""

import logging
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from mmdin import stages
from mmdin.config import Config, Input
from mmdin.schemas import LINKS
from mmdin.stages import Stage, count_jobs, run_stages
from mmdin.tables import Tables
from mmdin.variants import Plan, plan_variants


class World:
    """Two stages, of which the second reads what the first writes, and what they read."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.spark = spark
        self.input = folder / "input"
        self.input.mkdir()
        (self.input / "links.csv").write_text("one")
        self.config = Config(
            name="x", root=str(folder / "root"), input=Input(movielens=str(self.input))
        )
        self.tables = Tables(spark, self.config.root)
        self.page = folder / "root" / "report" / "index.html"
        self.ran: list[str] = []
        self.stages = [
            Stage("ingest_ratings", self._write_links, input_folders=("movielens",)),
            Stage(
                "report",
                self._write_page,
                settings=("scoring.batch_size",),
                reads=(LINKS,),
                output_files=("report/index.html",),
            ),
        ]

    def write(self, *links: tuple[int, str, int]) -> None:
        self.tables.write(LINKS, self.spark.createDataFrame(links, LINKS.schema))

    def rerun(self, **scoring: int) -> list[str]:
        """Names of the stages that ran."""
        self.ran.clear()
        changed = self.config.scoring.model_copy(update=scoring)
        plan = plan_variants(self.config.model_copy(update={"scoring": changed}))
        run_stages(self.spark, plan, self.stages)
        return list(self.ran)

    def _write_links(self, spark: SparkSession, plan: Plan) -> None:
        self.ran.append("ingest")
        self.write((1, "a", 1))

    def _write_page(self, spark: SparkSession, plan: Plan) -> None:
        self.ran.append("report")
        self.page.parent.mkdir(exist_ok=True)
        self.page.write_text("page")


@pytest.fixture(scope="module")
def world(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world whose stages have all run."""
    world = World(spark, tmp_path_factory.mktemp("stages"))
    assert world.rerun() == ["ingest", "report"]
    return world


def test_unchanged_stages_are_skipped_without_a_spark_job(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.rerun()
    started = count_jobs(world.spark)
    with caplog.at_level(logging.INFO, logger="mmdin"):
        assert world.rerun() == []
    assert count_jobs(world.spark) == started
    assert "== ingest_ratings: unchanged, skipped" in caplog.text
    assert f"== report: unchanged, skipped; see {world.page}" in caplog.text


def test_seconds_and_spark_jobs_are_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    (world.input / "links.csv").write_text("again")
    with caplog.at_level(logging.INFO, logger="mmdin"):
        world.rerun()
    (jobs,) = re.findall(r"== ingest_ratings: \d+\.\d s, (\d+) Spark jobs", caplog.text)
    assert int(jobs) > 0
    assert re.search(rf"== all stages: \d+\.\d s, {jobs} Spark jobs", caplog.text)


def rewrite_an_input(world: World) -> None:
    (world.input / "links.csv").write_text("another")


def add_an_input_in_a_subfolder(world: World) -> None:
    (world.input / "more").mkdir(exist_ok=True)
    (world.input / "more" / "links.csv").write_text("more")


def write_over_a_table(world: World) -> None:
    world.write((9, "b", 9))


def replace_a_table_by_one_of_the_same_version(world: World) -> None:
    version = world.tables.version(LINKS)
    Path(world.tables.path(LINKS)).rename(world.input.parent / "old")
    for _ in range(version + 1):
        world.write((9, "b", 9))
    assert world.tables.version(LINKS) == version


def change_code(world: World) -> None:
    stages._digest_code.cache_clear()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (rewrite_an_input, "input.movielens"),
        (add_an_input_in_a_subfolder, "input.movielens"),
        (write_over_a_table, "links"),
        (replace_a_table_by_one_of_the_same_version, "links"),
        (change_code, "code"),
    ],
)
def test_a_change_of_what_a_stage_read_or_wrote_makes_it_run_again(
    change: Callable[[World], None],
    reason: str,
    world: World,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world.rerun()
    if change is change_code:
        monkeypatch.setattr(stages, "digest_module", lambda module: f"other code of {module}")
    change(world)
    with caplog.at_level(logging.INFO, logger="mmdin"):
        assert world.rerun() == ["ingest", "report"]
    assert f"== ingest_ratings (changed: {reason})" in caplog.text
    stages._digest_code.cache_clear()


def test_settings_and_missing_pages_concern_the_stages_that_have_them(world: World) -> None:
    world.rerun()
    assert world.rerun(batch_size=5) == ["report"]
    assert world.rerun() == ["report"]
    assert world.rerun(attention_users=(1,)) == []
    world.page.unlink()
    assert world.rerun() == ["report"]
    assert world.rerun() == []
