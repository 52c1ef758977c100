"""Metrics computed in Spark against scikit-learn, many cases in one job."""

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from sklearn import metrics as reference

from mmdin.errors import TableError
from mmdin.evaluation.metrics import compute_metrics, rank_metrics
from mmdin.schemas import PREDICTIONS

TOLERANCE = 1e-9


def make_cases() -> pd.DataFrame:
    """Rows of PREDICTIONS of runs that differ in size, ties and balance."""
    generator = np.random.default_rng(8)
    cases = {}
    for n in range(40):
        rows = int(generator.integers(2, 120))
        distinct = int(generator.integers(1, 12)) if n % 2 else 10**6
        scores = generator.integers(0, distinct, rows) / distinct
        labels = (generator.random(rows) < generator.choice([0.1, 0.5, 0.9])).astype(int)
        labels[:2] = (0, 1)
        cases[f"random-{n}"] = (labels, scores)
    cases["constant"] = (np.array([0, 1, 1, 0, 1]), np.full(5, 0.5))
    cases["only positives"] = (np.ones(6, int), generator.random(6))
    cases["only negatives"] = (np.zeros(6, int), generator.random(6))
    cases["one row"] = (np.array([1]), np.array([0.25]))
    cases["perfect"] = (np.array([0, 0, 1, 1]), np.array([0.0, 0.1, 0.9, 1.0]))
    frames = []
    for run_id, (labels, scores) in cases.items():
        users = generator.integers(0, 4, len(labels))
        frames.append(
            pd.DataFrame({"run_id": run_id, "label": labels, "score": scores, "user_id": users})
        )
    return pd.concat(frames, ignore_index=True)


def to_spark(spark: SparkSession, cases: pd.DataFrame) -> DataFrame:
    rows = [
        (r.run_id, "din", int(r.user_id), 1, None, 4.0, int(r.label), float(r.score))
        for r in cases.itertuples()
    ]
    return spark.createDataFrame(rows, PREDICTIONS)


@pytest.fixture(scope="module")
def cases() -> pd.DataFrame:
    return make_cases()


@pytest.fixture(scope="module")
def found(spark: SparkSession, cases: pd.DataFrame) -> dict[str, dict]:
    rows = to_spark(spark, cases)
    return {r["run_id"]: r.asDict() for r in compute_metrics(rows, rows).collect()}


def best_threshold(labels: np.ndarray, scores: np.ndarray) -> float:
    candidates = [
        (reference.f1_score(labels, scores >= t, zero_division=0), t) for t in np.unique(scores)
    ]
    return max(candidates, key=lambda c: (round(c[0], 12), c[1]))[1]


def slow_gauc(case: pd.DataFrame) -> float | None:
    total, weight = 0.0, 0
    for _, own in case.groupby("user_id"):
        if own.label.nunique() == 2:
            total += reference.roc_auc_score(own.label, own.score) * len(own)
            weight += len(own)
    return total / weight if weight else None


def test_equal_scikit_learn(cases: pd.DataFrame, found: dict[str, dict]) -> None:
    assert set(found) == set(cases.run_id)
    for run_id, case in cases.groupby("run_id"):
        row, labels, scores = found[run_id], case.label.to_numpy(), case.score.to_numpy()
        assert (row["rows"], row["positives"]) == (len(case), labels.sum())
        if len(set(labels)) == 2:
            assert row["roc_auc"] == pytest.approx(
                reference.roc_auc_score(labels, scores), abs=TOLERANCE
            )
        else:
            assert row["roc_auc"] is None
        if labels.any():
            expected = reference.average_precision_score(labels, scores)
            assert row["pr_auc"] == pytest.approx(expected, abs=TOLERANCE)
        else:
            assert row["pr_auc"] is None
        expected = reference.log_loss(labels, scores, labels=[0, 1])
        assert row["log_loss"] == pytest.approx(expected, abs=TOLERANCE)
        for prefix, threshold in (("", 0.5), ("best_", row["best_threshold"])):
            for name in ("f1", "precision", "recall"):
                score = getattr(reference, f"{name}_score")
                expected = score(labels, scores >= threshold, zero_division=0)
                assert row[prefix + name] == pytest.approx(expected, abs=TOLERANCE)


def test_threshold_is_the_best_for_f1(cases: pd.DataFrame, found: dict[str, dict]) -> None:
    for run_id, case in cases.groupby("run_id"):
        expected = best_threshold(case.label.to_numpy(), case.score.to_numpy())
        assert found[run_id]["best_threshold"] == pytest.approx(expected, abs=TOLERANCE), run_id


def test_grouped_auc_equals_a_loop_over_users(cases: pd.DataFrame, found: dict[str, dict]) -> None:
    for run_id, case in cases.groupby("run_id"):
        expected = slow_gauc(case)
        if expected is None:
            assert found[run_id]["gauc"] is None
        else:
            assert found[run_id]["gauc"] == pytest.approx(expected, abs=TOLERANCE), run_id


@pytest.mark.parametrize("blocks", [1, 7])
def test_blocks_change_nothing(
    spark: SparkSession, cases: pd.DataFrame, found: dict[str, dict], blocks: int
) -> None:
    for row in rank_metrics(to_spark(spark, cases), ["run_id"], blocks).collect():
        for name in ("roc_auc", "pr_auc"):
            expected = found[row["run_id"]][name]
            assert row[name] == (
                expected if expected is None else pytest.approx(expected, abs=1e-12)
            )


@pytest.mark.parametrize("bad", [None, float("nan"), 1.5, -0.1])
def test_bad_scores_name_their_run(spark: SparkSession, bad: float | None) -> None:
    rows = [("good", "din", 1, 1, None, 4.0, 1, 0.5), ("bad", "din", 1, 1, None, 4.0, 1, bad)]
    predictions = spark.createDataFrame(rows, PREDICTIONS)
    with pytest.raises(TableError, match=r"bad \(1 rows\)"):
        compute_metrics(predictions, predictions)
