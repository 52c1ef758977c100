"""Stages run when something that they depend on, or that they wrote, has changed."""

import logging
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from mmdin import stages
from mmdin.config import Config, Input
from mmdin.errors import TableError
from mmdin.local_rows import local_rows
from mmdin.report_files import PAGE_MARK
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
        self.tables.write(LINKS, local_rows(self.spark, links, LINKS.schema))

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
        self.page.write_text(PAGE_MARK)


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


def rewrite_an_input_and_keep_its_size_and_time(world: World) -> None:
    path = world.input / "links.csv"
    state = path.stat()
    path.write_text(path.read_text()[::-1])
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert path.stat().st_size == state.st_size


def redraw_an_input_in_a_subfolder(world: World) -> None:
    path = world.input / "again" / "1.jpg"
    path.parent.mkdir(exist_ok=True)
    large = bytes(100_000)
    path.write_bytes(large)
    world.rerun()
    path.write_bytes(large)


def move_an_input_to_a_linked_subfolder(world: World) -> None:
    folder = world.input.parent / "linked"
    folder.mkdir()
    (folder / "2.jpg").touch()
    (world.input / "link").symlink_to(folder)


def lose_files_of_a_table(world: World) -> None:
    for file in Path(world.tables.path(LINKS)).glob("*.parquet"):
        file.unlink()


def delete_a_table(world: World) -> None:
    shutil.rmtree(world.tables.path(LINKS))


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
        (rewrite_an_input_and_keep_its_size_and_time, "input.movielens"),
        (redraw_an_input_in_a_subfolder, "input.movielens"),
        (move_an_input_to_a_linked_subfolder, "input.movielens"),
        (add_an_input_in_a_subfolder, "input.movielens"),
        (write_over_a_table, "links"),
        (delete_a_table, "links"),
        (lose_files_of_a_table, "links"),
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


def test_a_touched_input_changes_nothing(world: World) -> None:
    world.rerun()
    (world.input / "links.csv").touch()
    assert world.rerun() == []


def test_a_damaged_record_makes_the_stage_run_again(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.rerun()
    record = Path(world.config.root, "stages", "report.json")
    for content in ("", '{"inputs": {}}', "[]"):
        record.write_text(content)
        assert world.rerun() == ["report"]
    assert f"{record} is damaged" in caplog.text


def test_tables_of_another_root_are_told_apart(spark: SparkSession, tmp_path: Path) -> None:
    """Of two roots whose tables have the same versions, and of a copy, even the same ids."""
    ran: list[str] = []
    stage = Stage(
        "build_samples", lambda spark, plan: ran.append(plan.config.input.tables), reads=(LINKS,)
    )
    sources = [str(tmp_path / name) for name in "abc"]
    for source in sources[:2]:
        tables = Tables(spark, source)
        tables.write(LINKS, local_rows(spark, [(1, source, 1)], LINKS.schema))
    shutil.copytree(sources[0], sources[2])
    config = Config(name="x", root=str(tmp_path / "root"))
    for source in (*sources, sources[2]):
        given = config.model_copy(update={"input": Input(tables=source)})
        run_stages(spark, plan_variants(given), [stage])
    assert ran == sources


def test_nothing_runs_if_a_later_stage_would_overwrite_what_is_not_ours(
    spark: SparkSession, tmp_path: Path
) -> None:
    mine = tmp_path / "root" / "tables" / "links" / "mine.csv"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    ran: list[str] = []
    stages = [
        Stage("report", lambda spark, plan: ran.append("report")),
        Stage("ingest_ratings", lambda spark, plan: ran.append("ingest")),
    ]
    plan = plan_variants(Config(name="x", root=str(tmp_path / "root")))
    with pytest.raises(TableError, match="tables/links holds files that are no Delta table"):
        run_stages(spark, plan, stages)
    assert ran == []
    assert mine.read_text() == "mine"
