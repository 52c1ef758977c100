"""MMDIN against gradient boosting and matrix factorisation on real ratings.

On finished runs of conf/experiments/table1.yaml: make test-quality ROOTS=build/table1. Takes
minutes a root.
"""

import numpy as np
import pandas as pd
import pytest

from mmdin.predictors import BEST_POSSIBLE
from mmdin.schemas import EXPERIMENTS, PREDICTIONS, SAMPLES
from mmdin.training.rank.roc_auc import roc_auc

pytestmark = [pytest.mark.quality, pytest.mark.timeout(3600)]

RESAMPLES = 1000


@pytest.fixture
def samples(tables):
    if not tables.read(EXPERIMENTS).where(f"model = '{BEST_POSSIBLE}'").isEmpty():
        pytest.skip("an invented world")
    rows = tables.read(SAMPLES).orderBy("user_id", "movie_id").toPandas()
    return {split: group.reset_index(drop=True) for split, group in rows.groupby("split")}


@pytest.fixture
def scores(tables, samples) -> list[np.ndarray]:
    """MMDIN's of each seed, in the order of the test rows."""
    keys = samples["test"][["user_id", "movie_id"]]
    runs = tables.read(EXPERIMENTS).where("model = 'mmdin'").select("run_id")
    rows = tables.read(PREDICTIONS).join(runs, "run_id", how="left_semi").toPandas()
    return [
        keys.merge(group, on=["user_id", "movie_id"], how="left").score.to_numpy()
        for _, group in rows.groupby("run_id")
    ]


@pytest.mark.parametrize("peer", ["boosted", "factorized"])
def test_mmdin_is_at_least_as_good_as(peer, samples, scores) -> None:
    peers = pytest.importorskip("peers", reason="lightgbm is not installed")
    name, validation_auc, of_peer = peers.best_on_validation(
        getattr(peers, peer)(samples), samples["validation"]
    )
    test = samples["test"]
    label = test.label.to_numpy()
    of_mmdin, other = np.mean([roc_auc(label, s) for s in scores]), roc_auc(label, of_peer)
    lower, upper = interval_over_users(test, scores, of_peer)
    print(
        f"{name}: chosen with validation ROC AUC {validation_auc:.4f}; test {other:.4f}. MMDIN, "
        f"{len(scores)} seeds: {of_mmdin:.4f}. Difference {of_mmdin - other:+.4f}, 95 % interval "
        f"over users {lower:+.4f} to {upper:+.4f}"
    )
    assert upper > 0


def interval_over_users(
    test: pd.DataFrame, scores: list[np.ndarray], other: np.ndarray
) -> tuple[float, float]:
    """Of mean ROC AUC of the scores less that of the other, by a bootstrap of users."""
    label = test.label.to_numpy()
    rows_of = [np.asarray(rows) for rows in test.groupby("user_id").indices.values()]
    generator = np.random.default_rng(1)
    differences = []
    for _ in range(RESAMPLES):
        drawn = generator.integers(len(rows_of), size=len(rows_of))
        rows = np.concatenate([rows_of[d] for d in drawn])
        of_scores = np.mean([roc_auc(label[rows], s[rows]) for s in scores])
        differences.append(of_scores - roc_auc(label[rows], other[rows]))
    lower, upper = np.quantile(differences, [0.025, 0.975])
    return float(lower), float(upper)
