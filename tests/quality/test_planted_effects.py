"""An ablation finds what is planted in the invented world.

    make demo
    submit/local.sh experiment --conf conf/experiments/ablation.yaml --set input.tables=build/demo \
        samples.protocol=point_in_time
    make test-quality ROOTS=build/ablation
"""

import pytest

from mmdin.predictors import BEST_POSSIBLE
from mmdin.schemas import DIFFERENCES

pytestmark = pytest.mark.quality


@pytest.fixture
def verdicts(tables) -> dict[tuple[str, str], str]:
    """Of ROC AUC, by variant and other variant."""
    rows = tables.read(DIFFERENCES).where("metric = 'roc_auc'").collect()
    verdicts = {(r["variant"], r["other"]): r["verdict"] for r in rows}
    if ("mmdin", "shuffled posters") not in verdicts or (BEST_POSSIBLE, "mmdin") not in verdicts:
        pytest.skip("no ablation on an invented world")
    for (variant, other), verdict in verdicts.items():
        if variant == "mmdin":
            print(f"mmdin is {verdict} than (or open against) {other}")
    return verdicts


@pytest.mark.parametrize("planted", ["posters", "attention", "genres"])
def test_what_is_planted_is_found(verdicts, planted) -> None:
    assert verdicts["mmdin", f"without {planted}"] == "better"


def test_posters_help_more_where_they_are_the_movies_own(verdicts) -> None:
    assert verdicts["mmdin", "shuffled posters"] == "better"


def test_shuffled_posters_help_nothing_and_harm_nothing(verdicts) -> None:
    assert verdicts["shuffled posters", "without posters"] == "open"


def test_nothing_is_better_than_the_best_possible(verdicts) -> None:
    against_truth = {v: w for (v, other), w in verdicts.items() if other == BEST_POSSIBLE}
    assert "better" not in against_truth.values()
