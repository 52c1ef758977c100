"""Samples of the invented ratings, built once for each protocol."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from invented_ratings import World, invent, ratings_table

from mmdin.config import Config, Samples
from mmdin.features.samples import write_samples
from mmdin.schemas import RATINGS, SAMPLES, Table
from mmdin.tables import Tables

Build = Callable[..., "Built"]


@dataclass(frozen=True)
class Built:
    """What write_samples made of a world, and the Spark jobs that it took."""

    world: World
    config: Config
    tables: Tables
    jobs: int

    def rows(self, table: Table) -> list[dict[str, Any]]:
        return [row.asDict() for row in self.tables.read(table).collect()]

    def samples(self) -> dict[tuple[int, int], dict[str, Any]]:
        """Rows of samples by user and movie."""
        return {(row["user_id"], row["movie_id"]): row for row in self.rows(SAMPLES)}


@pytest.fixture(scope="session")
def world() -> World:
    return invent()


@pytest.fixture(scope="session")
def root(spark, tmp_path_factory, world: World) -> Path:
    """Where the world's tables are."""
    root = tmp_path_factory.mktemp("root")
    world.write(spark, str(root))
    return root


@pytest.fixture(scope="session")
def build(spark, tmp_path_factory, root: Path) -> Build:
    """Build samples of the world, or of other ratings of its movies."""

    def build(world: World, **samples: Any) -> Built:
        folder = tmp_path_factory.mktemp("built")
        shutil.copytree(root, folder, dirs_exist_ok=True)
        options = {"files": 2, "buckets": 4, "folds": 3, "with_posters_only": False, **samples}
        config = Config(name="test", root=str(folder), samples=Samples(**options))
        tables = Tables(spark, str(folder))
        if world != invent():
            tables.write(RATINGS, ratings_table(spark, world.ratings))
        scheduler = spark.sparkContext._jsc.sc().dagScheduler()
        before = scheduler.numTotalJobs()
        write_samples(tables, config)
        return Built(world, config, tables, scheduler.numTotalJobs() - before)

    return build


@pytest.fixture(scope="session")
def by_time(build: Build, world: World) -> Built:
    return build(world, protocol="point_in_time")
