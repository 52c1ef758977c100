"""Recommendations by the experiment's best network."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from launching import ROOT
from pyspark.sql import SparkSession

from mmdin.config import load_config
from mmdin.metrics import RANKING_METHODS, RANKING_METRICS
from mmdin.recommendation import als, choosing
from mmdin.schemas import (
    RANKING_DIFFERENCES,
    RATINGS,
    REASONS,
    RECOMMENDATIONS,
    Table,
)
from mmdin.schemas import RANKING_METRICS as MEASURED
from mmdin.tables import Tables
from mmdin.variants import plan_variants
from spark_jobs import recommend

TOP, USERS, NOBODY = 4, [3, 5, 8], 10**12
SETTINGS = [
    f"recommend.top={TOP}",
    "recommend.candidates=12",
    f"recommend.users={[*USERS, NOBODY]}",
]

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def written(spark: SparkSession, folder: Path) -> Iterator[dict[Table, pd.DataFrame]]:
    """What the job writes, with fewer iterations and settings of ALS than usual."""
    config = load_config(str(folder / "small.yaml"), [f"root={folder / ROOT}", *SETTINGS])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(als, "_ITERATIONS", 2)
        patch.setattr(choosing, "SETTINGS", choosing.SETTINGS[:1])
        recommend.run(spark, plan_variants(config))
    tables = Tables.of(spark, config)
    names = (RECOMMENDATIONS, REASONS, MEASURED, RANKING_DIFFERENCES, RATINGS)
    yield {table: tables.read(table).toPandas() for table in names}
    assert not (folder / ROOT / "als").exists()


def test_users_get_lists_of_unseen_movies_with_reasons(
    written: dict[Table, pd.DataFrame],
) -> None:
    listed, rated = written[RECOMMENDATIONS], written[RATINGS]
    assert set(listed["user_id"]) == {*USERS, NOBODY}
    seen = rated.groupby("user_id")["movie_id"].agg(set)
    for user, rows in listed.groupby("user_id"):
        assert sorted(rows["rank"]) == list(range(1, TOP + 1))
        assert rows["movie_id"].nunique() == TOP
        assert not set(rows["movie_id"]) & seen.get(user, set())
    assert listed["score"].between(0, 1).all()
    assert listed["run_id"].nunique() == listed["as_of"].nunique() == 1
    assert listed["as_of"].iloc[0] == rated["rated_at"].max() + pd.Timedelta(seconds=1)
    reasons = written[REASONS]
    liked = rated[rated["rating"] >= 3.5].groupby("user_id")["movie_id"].agg(set)
    assert set(reasons["user_id"]) <= {*USERS}
    assert len(reasons)
    for user, rows in reasons.groupby("user_id"):
        assert set(rows["liked_movie_id"]) <= liked[user]
        assert rows["place"].max() <= 3


def test_every_method_is_measured(written: dict[Table, pd.DataFrame]) -> None:
    metrics = written[MEASURED]
    everyone = metrics[metrics["slice"] == "all"].set_index(["method", "metric"])
    names = [metric.name for metric in RANKING_METRICS]
    assert len(everyone) == len(RANKING_METHODS) * len(names)
    for method in RANKING_METHODS:
        assert everyone.loc[method].loc[names[:6], "mean"].between(0, 1).all()
    pairs = len(RANKING_METHODS) * (len(RANKING_METHODS) - 1)
    differences = written[RANKING_DIFFERENCES]
    assert (differences["slice"] == "all").sum() == pairs * 6
