import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from mmdin.roc_auc import roc_auc
from mmdin.training.rank.early_stopping import EarlyStopping


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=60).filter(
        lambda rows: len({label for label, _ in rows}) == 2
    )
)
def test_equals_scikit_learn_with_ties(rows) -> None:
    labels, scores = (np.array(column) for column in zip(*rows, strict=True))
    assert roc_auc(labels, scores) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


def test_one_class_has_no_area() -> None:
    assert math.isnan(roc_auc(np.ones(3), np.arange(3)))
    assert roc_auc(np.array([0, 1]), np.zeros(2)) == 0.5


def test_scores_that_are_no_numbers_have_no_area() -> None:
    assert math.isnan(roc_auc(np.array([0, 1, 1]), np.array([0.1, np.nan, 0.3])))


def test_stops_when_patience_runs_out_and_keeps_the_best() -> None:
    stopping = EarlyStopping(patience=2)
    metrics = [0.6, 0.7, 0.69, float("nan"), 0.9]
    best, stopped = [], None
    for epoch, metric in enumerate(metrics, start=1):
        best.append(stopping.is_best(epoch, metric))
        if stopping.should_stop(epoch):
            stopped = epoch
            break
    assert (best, stopped, stopping.best_epoch) == ([True, True, False, False], 4, 2)


def test_a_first_epoch_without_a_metric_is_kept_until_a_better_one() -> None:
    stopping = EarlyStopping(patience=3)
    assert stopping.is_best(1, float("nan"))
    assert stopping.is_best(2, 0.1)
