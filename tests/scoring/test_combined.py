"""Ensembles and the stack on a few hundred rows, against the same by hand."""

import datetime

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from mmdin.config import Config
from mmdin.errors import TableError
from mmdin.evaluation import competitors
from mmdin.predictors import COMBINED, FITTED, NAIVE, ensemble_run_id
from mmdin.scoring import combined
from mmdin.scoring.combined import (
    add_combined,
    add_logits,
    ensemble_scores,
    fit_stack,
    stack_score,
)
from mmdin.scoring.logistic import Plane, fit_plane
from mmdin.scoring.scored import list_scores, with_scores
from mmdin.variants import plan_variants

MEMBERS = {"din": ["din-1", "din-2"], "additive": ["additive"]}
ALL_RUNS = ("din-1", "din-2", "additive", "of another variant")
SCORED = (
    "user_id long, movie_id long, rated_at timestamp, rating double, label int, split string, "
    "scores array<struct<run_id: string, model: string, score: double>>"
)
START = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """A column of scores for each run; the first row has scores of exactly 0 and 1."""
    generator = np.random.default_rng(3)
    label = generator.integers(0, 2, 240).astype(np.int32)
    scores = {
        run: 1 / (1 + np.exp(-(label - 0.5) * pull - generator.normal(0, 1, 240)))
        for run, pull in zip(ALL_RUNS, (1.0, 1.5, 0.8, 3.0), strict=True)
    }
    rows = pd.DataFrame({"user_id": np.arange(240), "movie_id": 7, "label": label, **scores})
    rows.loc[0, ["din-1", "din-2"]] = (0.0, 1.0)
    return rows.assign(split=np.where(np.arange(240) % 3, "validation", "test"))


@pytest.fixture(scope="module")
def logits(spark: SparkSession, rows: pd.DataFrame) -> DataFrame:
    """Of runs that were scored in two parts."""
    parts = [
        spark.createDataFrame(
            [
                (r.user_id, r.movie_id, START, 4.0, r.label, r.split,
                 [(run, run, float(r[run])) for run in runs])
                for _, r in rows.iterrows()
            ],
            SCORED,
        )
        for runs in (ALL_RUNS[:1], ALL_RUNS[1:])
    ]  # fmt: skip
    return add_logits(parts[0].unionByName(parts[1]), MEMBERS).localCheckpoint()


@pytest.mark.parametrize("wanted", [["ensemble"], ["factorisation", "stack", "ensemble"]])
def test_what_is_scored_is_what_is_compared(
    spark: SparkSession, wanted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {
        "name": "x",
        "training": {"models": ["din"], "seeds": [1, 2]},
        "scoring": {"predictors": wanted},
    }
    plan = plan_variants(Config.model_validate(values))
    trained = {("din", seed): {"run_id": f"din-{seed}"} for seed in (1, 2)}
    monkeypatch.setattr(competitors, "trained_runs", lambda *_: trained)
    monkeypatch.setattr(competitors.Tables, "exists", lambda *_: False)
    listed = competitors.list_competitors(spark, plan)
    of_others = ["din-1", "din-2", *NAIVE, *(p for p in wanted if p in FITTED)]
    generator = np.random.default_rng(5)
    scores = [(run, run, float(s)) for run, s in zip(of_others, generator.random(9), strict=False)]
    rows = [(n, 7, START, 4.0, n % 2, "validation", scores) for n in range(20)]
    parts = add_combined([spark.createDataFrame(rows, SCORED)], trained, 20, plan.config)
    assert [len(part.columns) for part in parts] == [7, 7]
    scored = [row for part in parts for row in list_scores(part.where("user_id = 0")).collect()]
    assert sorted(row["run_id"] for row in scored) == sorted(c.run_id for c in listed)
    assert {r["run_id"]: r["model"] for r in scored if r["model"] in COMBINED} == {
        c.run_id: c.model for c in listed if c.model in COMBINED
    }
    behind = [c.variant for c in listed[listed.index(next(c for c in listed if c.seed)) :]]
    assert behind == ["din", "din", "ensemble of din", *(["stack"] if "stack" in wanted else [])]


def test_nothing_is_added_if_nothing_is_combined(spark: SparkSession) -> None:
    parts = [spark.range(1)]
    assert add_combined(parts, {}, 0, Config.model_validate({"name": "x"})) is parts


def logit(score: pd.Series) -> np.ndarray:
    clipped = np.clip(score, 2.0**-52, 1 - 2.0**-52)
    return np.log(clipped) - np.log1p(-clipped)


def expected_logits(rows: pd.DataFrame) -> np.ndarray:
    return np.stack([(logit(rows["din-1"]) + logit(rows["din-2"])) / 2, logit(rows["additive"])])


def scores_of(logits: DataFrame, scores: list) -> pd.DataFrame:
    listed = list_scores(with_scores(logits, scores)).toPandas()
    return listed.sort_values(["run_id", "user_id"], ignore_index=True)


def test_an_ensemble_is_the_mean_of_its_seeds_logits(rows: pd.DataFrame, logits) -> None:
    found = scores_of(logits, ensemble_scores(MEMBERS))
    assert set(found.run_id) == {ensemble_run_id(["din-2", "din-1"])}
    assert set(found.model) == {"ensemble"}
    expected = 1 / (1 + np.exp(-expected_logits(rows)[0]))
    np.testing.assert_allclose(found.score, expected, atol=1e-9)
    assert (found.split == rows.split).all()


def test_the_stack_is_fitted_on_validation_rows_alone(rows: pd.DataFrame, logits) -> None:
    validation = (rows.split == "validation").to_numpy()
    plane = fit_stack(logits, MEMBERS, validation.sum(), seed=1)
    numbers = expected_logits(rows)
    expected = fit_plane(numbers[:, validation], rows.label[validation].to_numpy(float))
    np.testing.assert_allclose(plane.slopes, expected.slopes, atol=1e-9)
    other_labels = F.when(F.col("split") == "test", 1 - F.col("label")).otherwise(F.col("label"))
    changed = logits.withColumn("label", other_labels.cast("int"))
    assert fit_stack(changed, MEMBERS, validation.sum(), seed=1) == plane
    found = scores_of(logits, [stack_score("stack-x", plane)])
    assert set(found.run_id) == {"stack-x"}
    odds = plane.intercept + np.array(plane.slopes) @ numbers
    np.testing.assert_allclose(found.score, 1 / (1 + np.exp(-odds)), atol=1e-9)


def test_of_many_validation_rows_a_seeded_hash_chooses(
    logits: DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def record(numbers: np.ndarray, labels: np.ndarray) -> Plane:
        seen.append(len(labels))
        return Plane(0.0, (0.0,) * len(numbers))

    monkeypatch.setattr(combined, "fit_plane", record)
    fit_stack(logits, MEMBERS, combined.MAX_ROWS_FITTED * 2, seed=1)
    assert 50 < seen[0] < 110


def test_validation_rows_of_one_class_are_refused(logits: DataFrame) -> None:
    with pytest.raises(TableError, match="stack cannot be tuned"):
        fit_stack(logits.where("label = 1"), MEMBERS, 100, seed=1)
