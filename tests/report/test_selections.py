from dataclasses import replace

import pandas as pd
import pytest
from invented_data import CASES, invent, invent_sizes

from mmdin.predictors import NAIVE
from mmdin.report.conclusions import list_limits
from mmdin.report.html_tables import tabulate_runs
from mmdin.report.selections import (
    choose_for_slices,
    list_cases,
    list_cut_off,
    list_epochs,
    list_planted,
    list_positive_rates,
    list_roc_auc_differences,
    list_sizes,
    order_by_kind,
    order_counts,
    order_slices,
)


def test_slices_are_in_the_order_of_their_numbers() -> None:
    assert order_slices(["101 or more", "unknown", "0 (cold)", "21 to 100", "1 to 20"]) == [
        "0 (cold)", "1 to 20", "21 to 100", "101 or more", "unknown",
    ]  # fmt: skip


def test_splits_are_in_the_order_of_their_use() -> None:
    counts = order_counts(invent(**CASES["protocols"]))
    assert list(counts["split"]) == ["train", "validation", "test"] * 3
    assert list(dict.fromkeys(counts["samples"])) == ["", "random", "leaky"]
    assert list(counts["positive_share"]) == list(counts["positives"] / counts["rows"])


def test_naive_predictors_are_first_and_the_best_possible_last() -> None:
    ordered = order_by_kind(invent())
    assert ordered == [
        "constant", "movie_mean", "mean_of_means", "additive",
        "neural_cf", "mmdin", "best_possible",
    ]  # fmt: skip


def test_fitted_predictors_are_with_the_naive_and_combinations_behind_networks() -> None:
    others = ("lightgbm", "ensemble", "stack")
    data = invent(["din"], others=others)
    assert order_by_kind(data)[3:] == ["additive", "lightgbm", "din", *others[1:], "best_possible"]
    assert data.networks == ["din"]


def test_differences_are_listed_for_each_reference_in_the_order_of_variants() -> None:
    data = invent()
    differences = list_roc_auc_differences(data)
    assert list(differences) == ["mmdin"]
    assert list(differences["mmdin"]["variant"]) == [v for v in data.variants if v != "mmdin"]
    assert list_roc_auc_differences(invent(**CASES["one variant"])) == {}


def test_planted_effects_are_in_the_order_of_their_worth() -> None:
    rows = list_planted(invent())
    assert list(rows["effect"].unique()) == ["genre_taste", "recent_interest"]
    assert list(rows["variant"][:3]) == ["additive", "neural_cf", "mmdin"]
    assert list_planted(invent(best_possible=False)).empty


def test_of_many_networks_the_references_are_among_the_six_in_slices() -> None:
    data = invent(**CASES["many"])
    chosen = choose_for_slices(data)
    assert len(chosen) == 6
    assert {"additive", *data.references} <= set(chosen)


def test_the_saved_epoch_of_each_run_is_marked() -> None:
    data = invent()
    epochs = list_epochs(data)
    saved = epochs[epochs["is_best"]]
    assert list(saved["run_id"]) == list(data.runs["run_id"])
    assert set(saved["epoch"]) == {2}
    assert list(epochs["variant"]) == list(data.epochs["run_id"].map(data.variant_of()))


def test_sizes_are_training_rows_of_one_protocol_in_their_order() -> None:
    sizes = {"small": 300, "large": 3000, "middle": 1000}
    data = invent_sizes(sizes)
    rows = list_sizes(data)
    means = data.overall("roc_auc").set_index("variant")["mean"]
    for model, points in rows.groupby("model"):
        assert list(points["train_rows"]) == [300, 1000, 3000]
        assert list(points["mean"]) == [means[v] for v in points["variant"]]
        assert [v.split("(")[1] for v in points["variant"]] == ["small)", "middle)", "large)"], (
            model
        )
    assert set(rows["model"]) == {*NAIVE, "mmdin"}


def test_sets_of_one_size_and_of_several_protocols_make_no_learning_curve() -> None:
    assert list_sizes(invent_sizes({"one": 500, "other": 500})).empty
    assert list_sizes(invent(**CASES["protocols"])).empty


@pytest.mark.parametrize(
    ("limit", "patience", "is_cut_off"), [(3, 1, False), (3, 2, True), (4, 2, False)]
)
def test_runs_that_the_limit_of_epochs_ended_are_named(
    limit: int, patience: int, is_cut_off: bool
) -> None:
    """Every run has three epochs, the second of which was saved."""
    data = invent()
    configuration = f"training:\n  epochs: {limit}\n  patience: {patience}\n"
    configured = data.runs.assign(configuration=configuration)
    data = replace(data, runs=pd.concat([configured[:1], data.runs[1:]]))
    run = data.runs.iloc[0]
    assert list_cut_off(data) == ({run.run_id: 3} if is_cut_off else {})
    named = f"{data.variant_of()[run.run_id]}, seed {run.seed} (best epoch 2 of 3)"
    assert any(named in limit for limit in list_limits(data)) == is_cut_off
    cells = [cell for row in tabulate_runs(data).rows for cell in row]
    assert [c.text for c in cells if c.below == "cut off after 3"] == ["2"] * is_cut_off


def test_networks_that_saw_the_same_history_share_a_case() -> None:
    data = invent()
    cases = list_cases(data)
    assert [(user, movie) for user, movie, *_ in cases] == [(7, 100), (8, 101)]
    for case, rows in cases.items():
        assert list(rows["variant"]) == ["neural_cf"] * 5 + ["mmdin"] * 5
        assert list(rows["position"]) == [1, 2, 3, 4, 5] * 2
        assert case[3:] == tuple(rows["history_movie_id"].iloc[:5])


def test_a_movie_without_a_title_is_called_by_its_number() -> None:
    data = invent()
    assert data.title_of(101) == "Movie 101"
    assert data.title_of(115) == "movie 115"


def test_positive_rates_that_are_equal_are_listed_once() -> None:
    data = invent(**CASES["protocols"])
    labels = data.sampled_scores["label"]
    assert isinstance(labels, pd.Series)
    assert list_positive_rates(data) == [round(float(labels.mean()), 3)]
