import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from invented_evidence import invent

from mmdin.report.canvas import looks
from mmdin.report.evidence import Evidence
from mmdin.report.figures import FIGURES, keep_figures
from mmdin.report.rankings import trace_variants
from mmdin.report.slices import order_slices


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return invent()


@pytest.fixture(scope="module")
def folder(evidence: Evidence, tmp_path_factory: pytest.TempPathFactory) -> Path:
    kept = tmp_path_factory.mktemp("figures")
    assert list(keep_figures(evidence, kept)) == [f.name for f in FIGURES]
    return kept


def test_every_figure_is_kept_in_three_ways(folder: Path) -> None:
    names = {f"{f.name}.{ending}" for f in FIGURES for ending in ("svg", "png", "csv")}
    assert {p.name for p in folder.iterdir()} == names


def _same(numbers: pd.DataFrame, table: pd.DataFrame, columns: list[str]) -> None:
    assert len(numbers) == len(table)
    for column in columns:
        np.testing.assert_array_equal(
            numbers[column].to_numpy(), table[column].to_numpy(), err_msg=column
        )


def test_numbers_are_those_of_the_tables(evidence: Evidence, folder: Path) -> None:
    def read(name: str) -> pd.DataFrame:
        return pd.read_csv(folder / f"{name}.csv", float_precision="round_trip")

    intervals = evidence.metric_intervals
    bounds = ["variant", "mean", "lower", "upper"]
    _same(read("metrics"), intervals[intervals["dimension"] == "all"], [*bounds, "metric"])
    sliced = intervals[(intervals["dimension"] != "all") & (intervals["metric"] == "roc_auc")]
    _same(read("slices"), sliced, [*bounds, "slice", "rows"])
    _same(read("reliability"), evidence.calibration, ["rows"])
    _same(read("training"), evidence.epochs, ["run_id", "epoch", "train_loss"])
    differences = evidence.differences
    against = differences[(differences["other"] == "mmdin") & (differences["metric"] == "roc_auc")]
    _same(read("differences"), against, ["variant", "difference", "lower", "upper", "verdict"])
    shown = evidence.sampled_scores[evidence.sampled_scores["variant"].isin(evidence.networks)]
    _same(read("scores"), shown, ["variant", "row", "score", "label"])
    assert sorted(read("attention")["weight"]) == sorted(
        evidence.attention_weights.loc[
            evidence.attention_weights["run_id"].isin(evidence.first_run_of().values()), "weight"
        ]
    )


def test_the_best_points_are_among_the_numbers(evidence: Evidence, folder: Path) -> None:
    curves = trace_variants(evidence)
    for name, place in (("precision_recall", "best_f1"), ("roc", "best_difference")):
        numbers = pd.read_csv(folder / f"{name}.csv", float_precision="round_trip")
        best = numbers[numbers["best"]].set_index("variant")
        assert list(best.index) == list(curves)
        for variant, curve in curves.items():
            at = getattr(curve, place)
            assert best.loc[variant, "threshold"] == curve.thresholds[at]
            assert best.loc[variant, "precision"] == curve.precision[at]


def test_the_same_evidence_gives_the_same_files(
    evidence: Evidence, folder: Path, tmp_path: Path
) -> None:
    keep_figures(evidence, tmp_path)
    for path in folder.iterdir():
        again = (tmp_path / path.name).read_bytes()
        assert hashlib.sha256(again).digest() == hashlib.sha256(path.read_bytes()).digest(), path


def test_every_variant_looks_different() -> None:
    evidence = invent([f"network {n}" for n in range(23)], seeds=(1,))
    look = looks(evidence)
    assert len(look) == 27
    assert len({(k.colour, str(k.line)) for k in look.values()}) == 27


@pytest.mark.parametrize(
    ("case", "missing"),
    [
        (invent(one_class=True), {"precision_recall", "roc", "scores"}),
        (invent(attention=False, epochs=False), {"attention", "training"}),
        (invent(posters=False, seeds=(1,)), set()),
        (invent(["din"], (1,), naive=False, best_possible=False), {"differences"}),
        (invent([], naive=True), {"scores", "training", "attention", "differences"}),
    ],
    ids=["one class", "no attention or epochs", "no posters", "one variant", "no network"],
)
def test_what_is_missing_is_left_out(case: Evidence, missing: set[str], tmp_path: Path) -> None:
    drawn = keep_figures(case, tmp_path)
    assert {f.name for f in FIGURES} - set(drawn) == missing


def test_slices_stand_in_the_order_of_their_numbers() -> None:
    assert order_slices(["101 or more", "unknown", "0 (cold)", "21 to 100", "1 to 20"]) == [
        "0 (cold)", "1 to 20", "21 to 100", "101 or more", "unknown",
    ]  # fmt: skip
