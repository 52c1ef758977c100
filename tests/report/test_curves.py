import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from mmdin.report.curves import trace

rows = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 8)), min_size=2, max_size=60).filter(
    lambda r: len({label for label, _ in r}) == 2
)


def _arrays(given_rows: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    labels, scores = zip(*given_rows, strict=True)
    return np.array(labels), np.array(scores) / 8


@given(rows)
def test_areas_are_those_of_scikit_learn(given_rows: list[tuple[int, int]]) -> None:
    labels, scores = _arrays(given_rows)
    curve = trace(labels, scores)
    assert curve.roc_auc == pytest.approx(roc_auc_score(labels, scores))
    assert curve.average_precision == pytest.approx(average_precision_score(labels, scores))


@given(rows)
def test_points_are_those_of_scikit_learn(given_rows: list[tuple[int, int]]) -> None:
    labels, scores = _arrays(given_rows)
    curve = trace(labels, scores)
    precision, recall, thresholds = precision_recall_curve(labels, scores)
    np.testing.assert_allclose(curve.thresholds, thresholds[::-1])
    np.testing.assert_allclose(curve.precision, precision[:-1][::-1])
    np.testing.assert_allclose(curve.recall, recall[:-1][::-1])


@given(rows)
def test_points_a_and_b_are_the_best_of_all_thresholds(given_rows: list[tuple[int, int]]) -> None:
    labels, scores = _arrays(given_rows)
    curve = trace(labels, scores)
    f1, apart = {}, {}
    for threshold in np.unique(scores):
        shown = scores >= threshold
        hits = int((shown & (labels == 1)).sum())
        f1[threshold] = 2 * hits / (shown.sum() + labels.sum())
        false = int((shown & (labels == 0)).sum()) / (labels == 0).sum()
        apart[threshold] = hits / labels.sum() - false
    assert f1[curve.thresholds[curve.best_f1]] == pytest.approx(max(f1.values()))
    assert apart[curve.thresholds[curve.best_difference]] == pytest.approx(max(apart.values()))


def test_a_constant_score_is_one_point() -> None:
    curve = trace(np.array([0, 1, 1, 0]), np.full(4, 0.5))
    assert (curve.precision, curve.recall, curve.false_positive_rate) == (0.5, 1, 1)
    assert curve.roc_auc == 0.5
