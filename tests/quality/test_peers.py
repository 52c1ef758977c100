"""MMDIN against gradient boosting and matrix factorisation on real ratings.

On finished runs of conf/experiments/table1.yaml: make test-quality ROOTS=build/table1.
"""

import pytest

from mmdin.predictors import BEST_POSSIBLE, FITTED
from mmdin.schemas import DIFFERENCES

pytestmark = pytest.mark.quality


@pytest.mark.parametrize("peer", FITTED)
def test_mmdin_is_at_least_as_good_as(tables, peer) -> None:
    of_auc = tables.read(DIFFERENCES).where("metric = 'roc_auc' AND variant = 'mmdin'").collect()
    against = {row["other"]: row for row in of_auc}
    if BEST_POSSIBLE in against:
        pytest.skip("a generated world")
    if peer not in against:
        pytest.skip(f"scoring.predictors does not name {peer}")
    row = against[peer]
    bounds = f"{row['lower']:+.4f} to {row['upper']:+.4f}"
    print(f"mmdin less {peer}: {row['difference']:+.4f}, 95 % interval {bounds}")
    assert row["verdict"] != "worse"
