"""Samples of the invented ratings, built once for each protocol."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from invented_ratings import World, invent

from mmdin.config import Config, Samples
from mmdin.features.samples import write_samples
from mmdin.schemas import SAMPLES, Table
from mmdin.tables import Tables

Build = Callable[..., "Built"]


@dataclass(frozen=True)
class Built:
    """What write_samples made of a world."""

    world: World
    config: Config
    tables: Tables

    def rows(self, table: Table) -> list[dict[str, Any]]:
        return [row.asDict() for row in self.tables.read(table).collect()]

    def samples(self) -> dict[tuple[int, int], dict[str, Any]]:
        """Rows of samples by user and movie."""
        return {(row["user_id"], row["movie_id"]): row for row in self.rows(SAMPLES)}


@pytest.fixture(scope="session")
def build(spark, tmp_path_factory) -> Build:
    def built(world: World, **samples: Any) -> Built:
        root = str(tmp_path_factory.mktemp("root"))
        options = {"files": 2, "buckets": 4, "folds": 3, "with_posters_only": False, **samples}
        config = Config(name="test", root=root, samples=Samples(**options))
        tables = world.write(spark, root)
        write_samples(tables, config)
        return Built(world, config, tables)

    return built


@pytest.fixture(scope="session")
def by_time(build: Build) -> Built:
    return build(invent(), protocol="point_in_time")
