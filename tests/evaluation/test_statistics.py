"""Metrics against scikit-learn, and their uncertainty against slow resampling."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scored_cases import make_cases, rate
from sklearn import metrics as reference

from mmdin.evaluation.statistics import (
    METRICS,
    Measurement,
    best_threshold,
    measure,
    standard_errors,
)

TOLERANCE = 1e-9
CASES = [(str(name), case) for name, case in make_cases().groupby("run_id")]


@dataclass(frozen=True)
class Resampled:
    """Runs on the same rows, and their metrics on the same resamples of users.

    Attributes:
        runs: scores of each run.
        values: (runs, resamples, metrics).
    """

    runs: list[pd.DataFrame]
    values: np.ndarray

    @property
    def measured(self) -> list[Measurement]:
        """The metrics of each run, with the threshold that the resamples were measured at."""
        columns = ("user_id", "label", "score")
        return [measure(*(run[c].to_numpy() for c in columns), 0.6) for run in self.runs]


def measured(case: pd.DataFrame, threshold: float = 0.4) -> dict[str, float]:
    found = measure(*(case[c].to_numpy() for c in ("user_id", "label", "score")), threshold)
    return dict(zip(METRICS, found.values, strict=True))


@pytest.mark.parametrize(("name", "case"), CASES)
def test_values_equal_scikit_learn(name: str, case: pd.DataFrame) -> None:
    found, labels, scores = measured(case), case.label.to_numpy(), case.score.to_numpy()
    expected = {
        "roc_auc": reference.roc_auc_score(labels, scores) if len(set(labels)) == 2 else np.nan,
        "pr_auc": reference.average_precision_score(labels, scores) if any(labels) else np.nan,
        "log_loss": reference.log_loss(labels, scores, labels=[0, 1]),
        "gauc": slow_gauc(case),
    }
    for prefix, threshold in (("", 0.5), ("best_", 0.4)):
        for metric in ("f1", "precision", "recall"):
            score = getattr(reference, f"{metric}_score")
            expected[prefix + metric] = score(labels, scores >= threshold, zero_division=0)
            if metric != "precision" and not any(labels):
                expected[prefix + metric] = np.nan
    for metric in METRICS:
        assert found[metric] == pytest.approx(expected[metric], abs=TOLERANCE, nan_ok=True), metric


@pytest.mark.parametrize(("name", "case"), CASES)
def test_threshold_is_the_best_for_f1(name: str, case: pd.DataFrame) -> None:
    labels, scores = case.label.to_numpy(), case.score.to_numpy()
    if not labels.any():
        assert np.isnan(best_threshold(labels, scores))
        return
    candidates = []
    for threshold in np.unique(scores):
        predicted = scores >= threshold
        hits = (labels * predicted).sum()
        candidates.append((round(2 * hits / (predicted.sum() + labels.sum()), 12), threshold))
    assert best_threshold(labels, scores) == max(candidates)[1]


def test_a_missing_threshold_leaves_its_metrics_undefined() -> None:
    found = measured(CASES[0][1], threshold=np.nan)
    assert np.isnan([found["best_f1"], found["best_precision"], found["best_recall"]]).all()
    assert not np.isnan(found["f1"])


def test_influences_are_what_a_users_weight_changes() -> None:
    """Rows of a user taken twice in a hundred copies of the data: the derivative, by counting."""
    data, copies = rate(users=12, seed=3), 400
    found = measure(*(data[c].to_numpy() for c in ("user_id", "label", "score")), 0.6)
    # GAUC weighs users' own areas, which copies of a user's rows do not change.
    repeated = pd.concat([data] * copies, ignore_index=True)
    for place, user in enumerate(found.users):
        more = pd.concat([repeated, data[data.user_id == user]], ignore_index=True)
        changed = measure(*(more[c].to_numpy() for c in ("user_id", "label", "score")), 0.6)
        np.testing.assert_allclose(
            (changed.values - found.values) * copies, found.influences[place], atol=2e-3
        )


@pytest.fixture(scope="module")
def resampled() -> Resampled:
    sharp, blurred = rate(users=250, seed=1, noise=0.3), rate(users=250, seed=1, noise=1.2)
    return Resampled([sharp, blurred], bootstrap([sharp, blurred], resamples=500))


@pytest.mark.parametrize("run", [0, 1], ids=["sharp", "blurred"])
def test_intervals_equal_a_bootstrap_over_users(resampled: Resampled, run: int) -> None:
    errors = standard_errors(resampled.measured[run].influences)
    np.testing.assert_allclose(errors, resampled.values[run].std(axis=0, ddof=1), rtol=0.12)


def test_intervals_of_paired_differences_equal_a_bootstrap_over_users(resampled: Resampled) -> None:
    sharp, blurred = resampled.runs
    np.testing.assert_array_equal(sharp.label, blurred.label)
    one, other = resampled.measured
    errors = standard_errors(one.influences - other.influences)
    spread = (resampled.values[0] - resampled.values[1]).std(axis=0, ddof=1)
    np.testing.assert_allclose(errors, spread, rtol=0.12)
    unpaired = np.hypot(*(standard_errors(m.influences) for m in (one, other)))
    assert errors[0] < 0.9 * unpaired[0]


def test_one_user_has_no_interval() -> None:
    data = rate(users=1, seed=2)
    found = measure(*(data[c].to_numpy() for c in ("user_id", "label", "score")), 0.5)
    assert np.isnan(standard_errors(found.influences)).all()


def bootstrap(runs: list[pd.DataFrame], resamples: int) -> np.ndarray:
    """Metrics by scikit-learn of the same resamples of users of each run."""
    generator = np.random.default_rng(5)
    users = runs[0].user_id.unique()
    rows_of = {u: np.flatnonzero(runs[0].user_id == u) for u in users}
    found = []
    for _ in range(resamples):
        drawn = generator.choice(users, len(users))
        rows = np.concatenate([rows_of[u] for u in drawn])
        # A user drawn twice is two users.
        renamed = np.repeat(np.arange(len(drawn)), [len(rows_of[u]) for u in drawn])
        found.append([slow_metrics(r.iloc[rows].assign(user_id=renamed)) for r in runs])
    return np.array(found).transpose(1, 0, 2)


def slow_metrics(case: pd.DataFrame) -> list[float]:
    labels, scores = case.label.to_numpy(), case.score.to_numpy()
    values = {
        "roc_auc": reference.roc_auc_score(labels, scores),
        "pr_auc": reference.average_precision_score(labels, scores),
        "log_loss": -np.mean(np.log(np.where(labels == 1, scores, 1 - scores))),
        "gauc": measured(case)["gauc"],  # itself compared with a loop, which is slow
    }
    for prefix, threshold in (("", 0.5), ("best_", 0.6)):
        shown = scores >= threshold
        hits = (labels * shown).sum()
        values[f"{prefix}f1"] = 2 * hits / (shown.sum() + labels.sum())
        values[f"{prefix}precision"] = hits / shown.sum()
        values[f"{prefix}recall"] = hits / labels.sum()
    return [values[m] for m in METRICS]


def slow_gauc(case: pd.DataFrame) -> float:
    total, weight = 0.0, 0
    for _, own in case.groupby("user_id"):
        if own.label.nunique() == 2:
            total += reference.roc_auc_score(own.label, own.score) * len(own)
            weight += len(own)
    return total / weight if weight else np.nan
