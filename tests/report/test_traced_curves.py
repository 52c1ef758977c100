"""Curves and their best points against scikit-learn and brute force."""

import numpy as np
import pytest
from sklearn import metrics as reference

from mmdin.report.curves import trace

GENERATOR = np.random.default_rng(6)
CASES = []
for distinct in (3, 10, 10**6):
    for rows in (12, 200):
        labels = GENERATOR.integers(0, 2, rows)
        labels[:2] = (0, 1)
        CASES.append((labels, GENERATOR.integers(0, distinct, rows) / distinct))


@pytest.mark.parametrize(("labels", "scores"), CASES)
def test_curves_are_scikit_learns(labels: np.ndarray, scores: np.ndarray) -> None:
    curve = trace(labels, scores)
    precision, recall, thresholds = reference.precision_recall_curve(labels, scores)
    np.testing.assert_allclose(curve.thresholds, thresholds[::-1])
    np.testing.assert_allclose(curve.precision, precision[:-1][::-1])
    np.testing.assert_allclose(curve.recall, recall[:-1][::-1])
    rates, found, _ = reference.roc_curve(labels, scores, drop_intermediate=False)
    np.testing.assert_allclose(curve.false_positive_rate, rates[1:])
    np.testing.assert_allclose(curve.recall, found[1:])
    assert curve.roc_auc == pytest.approx(reference.roc_auc_score(labels, scores))
    assert curve.average_precision == pytest.approx(
        reference.average_precision_score(labels, scores)
    )


@pytest.mark.parametrize(("labels", "scores"), CASES)
def test_best_points_are_those_of_trying_every_threshold(
    labels: np.ndarray, scores: np.ndarray
) -> None:
    curve = trace(labels, scores)
    tried = sorted(set(scores), reverse=True)
    f1 = [reference.f1_score(labels, scores >= t) for t in tried]
    at_best = reference.f1_score(labels, scores >= curve.thresholds[curve.best_f1])
    assert at_best == pytest.approx(max(f1))
    gaps = [
        round(np.mean(scores[labels == 1] >= t) - np.mean(scores[labels == 0] >= t), 12)
        for t in tried
    ]
    found = curve.recall[curve.best_difference] - curve.false_positive_rate[curve.best_difference]
    assert found == pytest.approx(max(gaps))
