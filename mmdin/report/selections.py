"""Which rows the report shows, and in which order. Plain pandas: nothing is drawn here."""

import re
from typing import Any

import numpy as np
import pandas as pd

from mmdin.config.yaml_core import read_yaml
from mmdin.metrics import ALL, RANKING_METHODS, RANKING_METRICS, RANKING_SLICES
from mmdin.predictors import Kind, kind_of_model
from mmdin.report.curves import Curve, trace
from mmdin.report.report_data import ReportData

_SPLITS = ("train", "validation", "test")

_MOST_IN_SLICES = 6
"""Variants that a reader can distinguish side by side in the figure of slices."""

Case = tuple[Any, ...]
"""user_id, movie_id and rated_at of a scored row, then the movies liked before, latest first."""


def kind_of(data: ReportData, variant: str) -> Kind:
    """Kind of a variant."""
    return kind_of_model(data.model_of()[variant])


def order_by_kind(data: ReportData) -> list[str]:
    """All variants: naive predictors, networks, combinations of them, the best possible."""
    order = {"naive": 0, "network": 1, "combined": 2, "best": 3}
    return sorted(data.variants, key=lambda v: order[kind_of(data, v)])


def order_counts(data: ReportData) -> pd.DataFrame:
    """split_counts with column positive_share, in the order in which samples are first used.

    Within one set of samples, train is before validation and validation before test.
    """
    counts = data.split_counts
    used = {s: n for n, s in enumerate(dict.fromkeys(data.experiments["samples"]))}
    return (
        counts.assign(
            positive_share=counts["positives"] / counts["rows"],
            set_place=counts["samples"].map(used).fillna(len(used)),
            split_place=counts["split"].map(_SPLITS.index),
        )
        .sort_values(["set_place", "samples", "split_place"])
        .drop(columns=["set_place", "split_place"])
        .reset_index(drop=True)
    )


def list_differences(data: ReportData, reference: str) -> pd.DataFrame:
    """The rows of differences of every other variant from the reference, for all metrics.

    They are in the order in which variants are shown. Empty if no other variant was tested on the
    same rows.
    """
    places = {v: n for n, v in enumerate(data.variants)}
    rows = data.differences
    rows = rows[(rows["other"] == reference) & rows["variant"].isin(places)]
    return rows.sort_values("variant", key=lambda c: c.map(places), kind="stable")


def list_roc_auc_differences(data: ReportData) -> dict[str, pd.DataFrame]:
    """list_differences of ROC AUC by reference, without references that nothing differs from."""
    differences = {r: list_differences(data, r) for r in data.references}
    differences = {r: rows[rows["metric"] == "roc_auc"] for r, rows in differences.items()}
    return {r: rows for r, rows in differences.items() if len(rows)}


def trace_variants(data: ReportData) -> dict[str, Curve]:
    """The curve of each variant's sampled rows; variants whose rows are of one class have none."""
    curves = {}
    for variant in data.variants:
        rows = data.sampled_scores[data.sampled_scores["variant"] == variant]
        if rows["label"].nunique() == 2:
            curves[variant] = trace(rows["label"].to_numpy(), rows["score"].to_numpy(dtype=float))
    return curves


def list_positive_rates(data: ReportData) -> list[float]:
    """The positive rate of each protocol's sampled rows, to three decimals, equal ones once."""
    rows = data.sampled_scores
    rates = rows.groupby(rows["variant"].map(data.protocol_of()), sort=False)["label"].mean()
    return list(dict.fromkeys(round(float(r), 3) for r in rates))


def list_calibration(data: ReportData) -> pd.DataFrame:
    """The rows of calibration over all test rows of each variant's first seed.

    With column calibration_error.
    """
    rows = _calibration_of(data, ALL)
    errors = data.metrics.set_index("run_id")["calibration_error"]
    return rows.assign(calibration_error=rows["run_id"].map(errors)).reset_index(drop=True)


def list_calibration_of_users(data: ReportData) -> pd.DataFrame:
    """The same by new and known users, of the variants that choose_for_slices names."""
    rows = _calibration_of(data, "user")
    rows = rows[rows["variant"].isin(choose_for_slices(data))]
    gaps = (rows["mean_score"] - rows["positive_share"]).abs() * rows["rows"]
    keys = [rows["run_id"], rows["slice"]]
    sums = (values.groupby(keys).transform("sum") for values in (gaps, rows["rows"]))
    return rows.assign(calibration_error=next(sums) / next(sums)).reset_index(drop=True)


def _calibration_of(data: ReportData, dimension: str) -> pd.DataFrame:
    rows = data.calibration[data.calibration["dimension"] == dimension]
    return rows[rows["run_id"].isin(list(data.first_run_of().values()))]


def list_epochs(data: ReportData) -> pd.DataFrame:
    """All epochs, with columns variant and is_best: whether the epoch's weights were saved."""
    best = data.runs.set_index("run_id")["best_epoch"]
    return data.epochs.assign(
        variant=data.epochs["run_id"].map(data.variant_of()),
        is_best=data.epochs["epoch"] == data.epochs["run_id"].map(best),
    ).reset_index(drop=True)


def list_cut_off(data: ReportData) -> dict[str, int]:
    """The epochs of those runs, by run_id, that training.epochs ended before early stopping."""
    epochs = data.epochs.groupby("run_id").size()
    cut_off = {}
    for run in data.runs.itertuples():
        training = read_yaml(run.configuration)["training"]
        limit, last = training["epochs"], epochs.get(run.run_id, 0)
        if last == limit and last - run.best_epoch < training["patience"]:
            cut_off[str(run.run_id)] = int(last)
    return cut_off


def list_sizes(data: ReportData) -> pd.DataFrame:
    """ROC AUC over all test rows by model and training rows, fewest first.

    Columns protocol, model, train_rows, variant, rows (of the test), mean, lower and upper. Of
    protocols under which sets of samples of at least two sizes are compared; else empty.
    """
    train = data.split_counts[data.split_counts["split"] == "train"]
    sizes = train.set_index("samples")["rows"]
    sets = data.experiments.drop_duplicates("variant").set_index("variant")["samples"]
    rows = data.overall("roc_auc").assign(train_rows=lambda r: r["variant"].map(sets).map(sizes))
    rows = rows[rows.groupby("protocol")["train_rows"].transform("nunique") > 1]
    # Variants of one model and one size are no points of one line.
    rows = rows.drop_duplicates(["protocol", "model", "train_rows"])
    columns = ["protocol", "model", "train_rows", "variant", "rows", "mean", "lower", "upper"]
    places = {v: n for n, v in enumerate(data.variants)}
    in_order = rows.sort_values("variant", key=lambda v: v.map(places), kind="stable")
    return in_order.sort_values("train_rows", kind="stable")[columns].reset_index(drop=True)


def order_slices(slices: list[str]) -> list[str]:
    """Slices by the number that they begin with, then by name, unknown last."""

    def place(name: str) -> tuple[bool, float, str]:
        number = re.match(r"\d+", name)
        return name == "unknown", float(number.group()) if number else np.inf, name

    return sorted(set(slices), key=place)


def list_slices(data: ReportData) -> pd.DataFrame:
    """The rows of metric_intervals of ROC AUC in every slice but the one of all rows."""
    rows = data.metric_intervals
    return rows[(rows["metric"] == "roc_auc") & (rows["dimension"] != "all")]


def choose_for_slices(data: ReportData) -> list[str]:
    """The additive predictor and the networks; of many, the references and the first ones."""
    models = data.model_of()
    additive = [v for v in data.variants if models[v] == "additive"]
    networks = list(dict.fromkeys([*data.references, *data.networks]))
    chosen = {*additive, *networks[: max(1, _MOST_IN_SLICES - len(additive))]}
    return [v for v in data.variants if v in chosen]


def list_planted(data: ReportData) -> pd.DataFrame:
    """The rows of planted_effects of the variants of choose_for_slices, in the order to be shown.

    Effects are in the order of their worth.
    """
    rows, chosen = data.planted_effects, choose_for_slices(data)
    rows = rows[rows["variant"].isin(chosen)]
    places = rows["variant"].map({variant: n for n, variant in enumerate(chosen)})
    worth = rows.groupby("effect")["worth"].transform("max")
    ordered = rows.assign(place=places, most=-worth).sort_values(["most", "effect", "place"])
    return ordered.drop(columns=["place", "most"]).reset_index(drop=True)


def list_ranking(data: ReportData) -> pd.DataFrame:
    """The rows of ranking_metrics by run, slice, method and metric, in the order to be shown.

    With column label: the method, and behind it the variant if there are several.
    """
    return _in_order_of_ranking(data, data.ranking_metrics)


def list_ranking_differences(data: ReportData) -> pd.DataFrame:
    """The combined order less every other one, of all users, in the same order and with label."""
    rows = _in_order_of_ranking(data, data.ranking_differences)
    return rows[(rows["method"] == "combined") & (rows["slice"] == ALL)]


def _in_order_of_ranking(data: ReportData, rows: pd.DataFrame) -> pd.DataFrame:
    variants = rows["run_id"].map(data.variant_of())
    places = {
        "run_id": list(data.variant_of()),
        "slice": RANKING_SLICES,
        "method": RANKING_METHODS,
        "metric": [metric.name for metric in RANKING_METRICS],
    }
    ordered = rows.assign(
        label=rows["method"] + (" (" + variants + ")" if variants.nunique() > 1 else ""),
        **{f"{c}_place": rows[c].map(names.index) for c, names in places.items()},
    )
    ordered = ordered.sort_values([f"{c}_place" for c in places], kind="stable")
    return ordered.drop(columns=[f"{c}_place" for c in places]).reset_index(drop=True)


def list_cases(data: ReportData) -> dict[Case, pd.DataFrame]:
    """The rows of attention_weights by case, by user and movie.

    Rows of several variants in one case are in the order in which variants are shown, the movie
    liked last first. They have columns variant, title and history_title.
    """
    rows = data.attention_weights
    rows = rows.assign(
        variant=rows["run_id"].map({r: v for v, r in data.first_run_of().items()}),
        title=rows["movie_id"].map(data.title_of),
        history_title=rows["history_movie_id"].map(data.title_of),
    )
    rows = rows[rows["variant"].notna()].sort_values("position", kind="stable")
    keys = ["run_id", "user_id", "movie_id", "rated_at"]
    cases: dict[Case, list[pd.DataFrame]] = {}
    for (_, user, movie, at), scored in rows.groupby(keys, sort=False, dropna=False):
        cases.setdefault((user, movie, at, *scored["history_movie_id"]), []).append(scored)
    places = {v: n for n, v in enumerate(data.variants)}
    return {
        case: pd.concat(sorted(cases[case], key=lambda scored: places[scored["variant"].iloc[0]]))
        for case in sorted(cases, key=lambda c: (c[0], c[1]))
    }
