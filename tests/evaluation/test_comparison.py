import pytest

from mmdin.config import Samples
from mmdin.evaluation.comparison import format_comparison, format_differences, format_slices
from mmdin.evaluation.statistics import METRICS
from mmdin.metrics import explain_undefined

VARIANTS = ("constant", "movie_mean", "din", "without posters", "mmdin", "best_possible")


def intervals(**changed: object) -> list[dict]:
    values = {"mean": 0.25, "lower": 0.2, "upper": 0.3, "seeds": 3, "protocol": "random"}
    return [
        {**values, "variant": v, "model": v if " " not in v else "mmdin", "metric": m, **changed}
        for v in VARIANTS
        for m in METRICS
    ]


def runs(protocol: str = "random", **changed: object) -> list[dict]:
    counts = {"rows": 1000, "positives": 550, "users": 40, "protocol": protocol}
    values = {**dict.fromkeys(METRICS, 0.25), "best_threshold": 0.4, **counts, **changed}
    return [{**values, "variant": v} for v in VARIANTS]


def test_variants_are_shown_in_order_with_rules_between_kinds() -> None:
    lines = format_comparison(intervals(), runs(), Samples()).splitlines()
    shown = [line[:16].strip() for line in lines]
    start = shown.index("variant")
    assert [s for s in shown[start + 1 :] if s in VARIANTS] == list(VARIANTS)
    assert sum(line.startswith("----") for line in lines) == 3


def test_protocol_rows_label_and_seeds_are_printed() -> None:
    text = format_comparison(intervals(), runs(), Samples())
    assert (
        "protocol random; 1,000 test rows of 40 users, 0.5500 of them positive (rating >= 3.5)"
        in text
    )
    assert "Means over 3 training seeds" in text
    assert "0.2000..0.3000" in text
    assert "LEAKY" not in text


def test_leaky_numbers_are_marked() -> None:
    assert "LEAKY" in format_comparison(intervals(), runs("leaky"), Samples())


def test_undefined_metrics_are_a_dash() -> None:
    undefined = intervals(mean=None, lower=None, upper=None)
    line = next(
        x
        for x in format_comparison(undefined, runs(), Samples()).splitlines()
        if x.startswith("mmdin")
    )
    assert set(line.split()[1:]) == {"-"}


@pytest.mark.parametrize(
    ("changed", "sentences"),
    [
        ({}, []),
        ({"roc_auc": None, "gauc": float("nan"), "positives": 1000},
         ["all test rows are positive, so ROC AUC and GAUC are undefined"]),
        ({"roc_auc": None, "pr_auc": None, "recall": None, "positives": 0},
         ["no test row is positive, so ROC AUC, PR AUC and recall are undefined"]),
        ({"gauc": None}, ["no user has test rows of both labels, so GAUC is undefined"]),
        ({"best_threshold": None, "best_f1": None, "gauc": None},
         ["no user has test rows of both labels, so GAUC is undefined",
          "no validation row is positive, so F1* is undefined"]),
        ({"users": 1}, ["all test rows are of one user, so there are no intervals"]),
    ],
)  # fmt: skip
def test_the_cause_of_undefined_metrics_is_said_once(
    changed: dict[str, object], sentences: list[str]
) -> None:
    expected = [f"Protocol random: {sentence}." for sentence in sentences]
    assert explain_undefined(runs(**changed)) == expected
    shown = format_comparison(intervals(), runs(**changed), Samples()).splitlines()
    assert [line for line in shown if line.startswith("Protocol random")] == expected


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("open", "not significantly different"),
        ("better", "mmdin is better"),
        ("worse", "mmdin is worse"),
    ],
)
def test_differences_claim_no_more_than_their_verdict(verdict: str, words: str) -> None:
    difference = {
        "variant": "mmdin",
        "other": "din",
        "difference": 0.01,
        "lower": -0.01,
        "upper": 0.03,
        "verdict": verdict,
    }
    text = format_differences([difference], VARIANTS)
    assert words in text
    assert "+0.0100  [-0.0100, +0.0300]" in text


def test_slices_that_have_rows_are_shown_by_variant() -> None:
    rows = [
        {**row, "dimension": dimension, "slice": name, "rows": 1200, "mean": mean}
        for dimension, name, mean in (("user", "new", 0.61), ("user", "known", 0.72))
        for row in intervals()
    ]
    rows += [{**row, "dimension": "all", "slice": "all", "rows": 2400} for row in intervals()]
    lines = format_slices(rows).splitlines()
    assert lines[0].split("  ")[-1].strip() == "known users (1,200 rows)"
    assert "movies (" not in lines[0]
    assert lines[1].split() == ["variant", *["ROC", "AUC", "GAUC"] * 2]
    shown = {line[:16].strip(): line[17:].split() for line in lines[3 : 3 + len(VARIANTS)]}
    assert shown == {v: ["0.6100"] * 2 + ["0.7200"] * 2 for v in VARIANTS}
    assert len({len(line) for line in lines[: 3 + len(VARIANTS)]}) == 1


def test_a_difference_without_an_interval_claims_nothing() -> None:
    bounds = {"difference": 0.01, "lower": None, "upper": None, "verdict": "open"}
    text = format_differences([{"variant": "mmdin", "other": "din", **bounds}], VARIANTS)
    assert text.splitlines()[1].split() == ["din", "+0.0100", "-", "not", "known"]
