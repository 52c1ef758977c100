import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from invented_data import invent, invent_sizes
from PIL import ExifTags, Image
from written import Written

from mmdin.posters.images import decode
from mmdin.report.figures.attention import decode_poster
from mmdin.report.figures.canvas import plot_styles
from mmdin.report.figures.catalogue import FIGURES, save_figures
from mmdin.report.selections import (
    choose_for_slices,
    list_calibration_of_users,
    list_sizes,
    trace_variants,
)

OF_ONE_SET = [f.name for f in FIGURES if f.name != "learning_curve"]
"""The figures of experiments whose variants share the training rows."""


@pytest.fixture(scope="module")
def report(written_case: Callable[[str], Written]) -> Written:
    return written_case("two networks")


def test_every_figure_is_saved_in_three_formats(report: Written) -> None:
    names = {f"{name}.{ending}" for name in OF_ONE_SET for ending in ("svg", "png", "csv")}
    assert {p.name for p in report.figures.iterdir()} == names


def _same(numbers: pd.DataFrame, table: pd.DataFrame, columns: list[str]) -> None:
    assert len(numbers) == len(table)
    for column in columns:
        np.testing.assert_array_equal(
            numbers[column].to_numpy(), table[column].to_numpy(), err_msg=column
        )


def test_numbers_are_those_of_the_tables(report: Written) -> None:
    def read(name: str) -> pd.DataFrame:
        return pd.read_csv(report.figures / f"{name}.csv", float_precision="round_trip")

    intervals = report.data.metric_intervals
    bounds = ["variant", "mean", "lower", "upper"]
    _same(read("metrics"), intervals[intervals["dimension"] == "all"], [*bounds, "metric"])
    sliced = intervals[(intervals["dimension"] != "all") & (intervals["metric"] == "roc_auc")]
    _same(read("slices"), sliced, [*bounds, "slice", "rows"])
    bins = report.data.calibration
    _same(read("reliability"), bins[bins["dimension"] == "all"], ["rows", "positive_share"])
    chosen = choose_for_slices(report.data)
    of_users = bins[(bins["dimension"] == "user") & bins["variant"].isin(chosen)]
    _same(read("reliability_of_users"), of_users, ["slice", "rows", "positive_share"])
    _same(read("training"), report.data.epochs, ["run_id", "epoch", "train_loss"])
    differences = report.data.differences
    against = differences[(differences["other"] == "mmdin") & (differences["metric"] == "roc_auc")]
    _same(read("differences"), against, ["variant", "difference", "lower", "upper", "verdict"])
    scores = report.data.sampled_scores
    shown = scores[scores["variant"].isin(report.data.networks)]
    _same(read("scores"), shown, ["variant", "row", "score", "label"])
    ranking = report.data.ranking_metrics[report.data.ranking_metrics["slice"] == "all"]
    shown = read("recommendations").set_index(["method", "metric"]).sort_index()
    _same(shown, ranking.set_index(["method", "metric"]).sort_index(), ["mean", "lower", "upper"])
    planted = report.data.planted_effects
    planted = planted[planted["variant"].isin(chosen)].set_index(["effect", "variant"]).sort_index()
    shown = read("planted_effects").set_index(["effect", "variant"]).sort_index()
    _same(shown, planted, ["worth", "learned", "missing", "lower", "upper"])
    weights = report.data.attention_weights
    first = weights["run_id"].isin(report.data.first_run_of().values())
    assert sorted(read("attention")["weight"]) == sorted(weights.loc[first, "weight"])


def test_the_error_of_a_slice_is_over_its_bins() -> None:
    data = invent()
    rows = list_calibration_of_users(data)
    for _, bins in rows.groupby(["run_id", "slice"]):
        gaps = [abs(b.mean_score - b.positive_share) * b.rows for b in bins.itertuples()]
        assert bins["calibration_error"].iloc[0] == pytest.approx(sum(gaps) / bins["rows"].sum())


def test_the_best_points_are_among_the_numbers(report: Written) -> None:
    curves = trace_variants(report.data)
    for name, place in (("precision_recall", "best_f1"), ("roc", "best_difference")):
        numbers = pd.read_csv(report.figures / f"{name}.csv", float_precision="round_trip")
        best = numbers[numbers["best"]].set_index("variant")
        assert list(best.index) == list(curves)
        for variant, curve in curves.items():
            at = getattr(curve, place)
            assert best.loc[variant, "threshold"] == curve.thresholds[at]
            assert best.loc[variant, "precision"] == curve.precision[at]


def test_the_same_data_gives_the_same_files(report: Written, tmp_path: Path) -> None:
    assert list(save_figures(report.data, tmp_path)) == OF_ONE_SET
    for path in report.figures.iterdir():
        again = (tmp_path / path.name).read_bytes()
        assert hashlib.sha256(again).digest() == hashlib.sha256(path.read_bytes()).digest(), path


def test_every_variant_has_its_own_style() -> None:
    others = ("factorisation", "lightgbm", "ensemble", "stack")
    data = invent([f"network {n}" for n in range(23)], seeds=(1,), others=others)
    styles = plot_styles(data)
    assert len(styles) == 32
    assert len({(s.colour, str(s.line)) for s in styles.values()}) == 32


@pytest.mark.parametrize(
    ("case", "missing"),
    [
        ("one class", {"precision_recall", "roc", "scores"}),
        (
            "one seed, nothing else",
            {"attention", "training", "recommendations", "planted_effects"},
        ),
        ("no posters", set()),
        ("one variant", {"differences", "planted_effects"}),
        ("no network", {"scores", "training", "attention", "differences", "recommendations"}),
    ],
)
def test_figures_without_data_are_left_out(
    case: str, missing: set[str], written_case: Callable[[str], Written]
) -> None:
    drawn = {p.stem for p in written_case(case).figures.iterdir()}
    assert set(OF_ONE_SET) - drawn == missing


def test_posters_are_shown_as_they_were_measured() -> None:
    upright = np.zeros((6, 4, 3), np.uint8)
    upright[:3] = (255, 0, 0)
    turned = _encode(np.rot90(upright), orientation=6)
    np.testing.assert_array_equal(decode_poster(turned), decode(turned))
    shown = decode_poster(turned)
    assert shown is not None
    np.testing.assert_array_equal(shown, upright)
    palette = io.BytesIO()
    Image.new("P", (4, 6)).save(palette, format="GIF")
    shown = decode_poster(palette.getvalue())
    assert shown is not None
    assert shown.shape == (6, 4, 3)


def test_large_posters_are_thinned_and_damaged_ones_left_out() -> None:
    shown = decode_poster(_encode(np.zeros((1000, 600, 3), np.uint8)))
    assert shown is not None
    assert shown.shape == (500, 300, 3)
    assert decode_poster(None) is None
    assert decode_poster(b"no image") is None


def _encode(pixels: np.ndarray, orientation: int = 1) -> bytes:
    file, exif = io.BytesIO(), Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    Image.fromarray(pixels).save(file, format="PNG", exif=exif)
    return file.getvalue()


def test_the_learning_curve_has_a_line_per_model_and_a_point_per_size(tmp_path: Path) -> None:
    data = invent_sizes({"small": 300, "large": 3000, "middle": 1000})
    save_figures(data, tmp_path)
    drawn = pd.read_csv(tmp_path / "learning_curve.csv", float_precision="round_trip")
    _same(drawn, list_sizes(data), ["variant", "mean", "lower", "upper", "train_rows"])
    assert (tmp_path / "learning_curve.svg").stat().st_size > 0
