"""ROC AUC from counts."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mmdin.world.summary import roc_auc


def test_roc_auc_of_counts_is_that_of_rows_with_ties():
    rng = np.random.default_rng(0)
    score = rng.integers(0, 20, 2000)
    label = rng.random(2000) < score / 25
    negatives = np.bincount(score[~label], minlength=20)
    positives = np.bincount(score[label], minlength=20)
    assert roc_auc(negatives, positives) == pytest.approx(roc_auc_score(label, score))
