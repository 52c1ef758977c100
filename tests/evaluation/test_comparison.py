import pytest

from mmdin.config import Samples
from mmdin.evaluation.comparison import format_comparison
from mmdin.schemas import METRICS

MODELS = ("mmdin", "best_possible", "constant", "din", "mean_of_means", "movie_mean", "neural_cf")


def rows() -> list[dict]:
    values = dict.fromkeys(METRICS.names, 0.25)
    return [{**values, "model": m, "run_id": m, "rows": 1000, "positives": 550} for m in MODELS]


def test_naive_on_top_and_the_best_possible_below() -> None:
    text = format_comparison(rows(), Samples())
    shown = [
        line.split()[0]
        for line in text.splitlines()
        if line.split()[:1] and line.split()[0] in MODELS
    ]
    assert shown == [
        "constant",
        "movie_mean",
        "mean_of_means",
        "neural_cf",
        "din",
        "mmdin",
        "best_possible",
    ]


def test_protocol_rows_and_label_are_said() -> None:
    text = format_comparison(rows(), Samples())
    assert (
        "protocol point_in_time; 1,000 test rows, 0.5500 of them positive (rating >= 3.5)" in text
    )
    assert "LEAKY" not in text


def test_leaky_numbers_say_so() -> None:
    assert "LEAKY" in format_comparison(rows(), Samples(protocol="leaky"))


def test_undefined_metrics_are_a_dash() -> None:
    undefined = [{**rows()[0], "roc_auc": None}]
    line = next(x for x in format_comparison(undefined, Samples()).splitlines() if "mmdin" in x)
    assert line.split()[1] == "-"
    assert pytest.approx(0.25) == float(line.split()[2])
