"""The tables of the page, as rows of cells."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from mmdin.metrics import MAIN_METRICS, MAIN_SLICES, RANKING_METRICS
from mmdin.report.report_data import ReportData
from mmdin.report.selections import (
    kind_of,
    list_cut_off,
    list_differences,
    list_ranking,
    list_ranking_differences,
    list_slices,
    order_by_kind,
    order_counts,
    order_slices,
    trace_variants,
)
from mmdin.report.wording import METRIC_NAMES

_ACROSS = 8
"""Variants side by side in one table of slices: as many as fit a printed page."""

NOTHING = "-"

_RANKED_USERS = {
    "all": "all users who liked a movie of the test rows",
    "known": "of them those with an earlier rating",
    "new": "of them those without",
}

_VERDICTS = {"better": "▲ better", "worse": "▼ worse", "open": "not significant"}


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
        text: what it shows.
        below: smaller lines below the text.
        data: its data-* attributes, without their prefix.
        kind: its CSS class; of a row's first cell, the class of the row.
    """

    text: str
    below: str = ""
    data: dict[str, str] = field(default_factory=dict)
    kind: str = ""


@dataclass(frozen=True)
class HtmlTable:
    """A table of the page.

    Attributes:
        caption: above the table.
        heads: of the columns.
        rows: each headed by its first cell.
    """

    caption: str
    heads: list[str]
    rows: list[list[Cell]]


def tabulate_counts(data: ReportData) -> HtmlTable:
    """split_counts: rows, positives, users and movies of every split, and how many are cold."""
    rows = []
    for row in order_counts(data).itertuples():
        cold = (f"{row.cold_users:,} cold", f"{row.cold_movies:,} cold")
        if row.split == "train":
            cold = ("", "")
        rows.append(
            [
                Cell(row.split, row.samples or ""),
                Cell(row.protocol),
                Cell(f"{row.rows:,}"),
                Cell(f"{row.positives:,}", f"{row.positive_share:.2%}"),
                Cell(f"{row.users:,}", cold[0]),
                Cell(f"{row.movies:,}", cold[1]),
                Cell(_day(row.first_rated_at), f"to {_day(row.last_rated_at)}"),
            ]
        )
    heads = ["split", "protocol", "rows", "positive", "users", "movies", "rated"]
    return HtmlTable("Rows of each split", heads, rows)


def tabulate_input(data: ReportData) -> HtmlTable:
    """input_counts: how many rows of each file were kept and rejected, and why."""
    counts = data.input_counts
    read = counts[counts["outcome"] != "noted"].groupby("file")["rows"].sum()
    rows = [
        [
            Cell(row.file),
            Cell(row.outcome),
            Cell(row.reason if isinstance(row.reason, str) else ""),
            Cell(f"{row.rows:,}", f"{row.rows / read[row.file]:.2%}" if row.file in read else ""),
        ]
        for row in counts.itertuples()
    ]
    return HtmlTable("Rows of the input files", ["file", "outcome", "reason", "rows"], rows)


def tabulate_metrics(data: ReportData) -> HtmlTable:
    """Every metric over all test rows, with a row per variant in order_by_kind.

    Then ROC AUC and GAUC in each of MAIN_SLICES that there are rows in.
    """
    overall = {m: data.overall(m).set_index("variant") for m in METRIC_NAMES}
    slices = {t: s for t, s in MAIN_SLICES.items() if len(data.within("roc_auc", *s))}
    rows = []
    for variant in order_by_kind(data):
        cells = [Cell(variant, kind=kind_of(data, variant))]
        cells += [metric_cell(overall[m], variant, variant, m) for m in METRIC_NAMES]
        cells += [_slice_cell(data, variant, *place) for place in slices.values()]
        rows.append(cells)
    heads = ["variant", *METRIC_NAMES.values(), *(f"ROC AUC, {title}" for title in slices)]
    return HtmlTable(
        "Metrics over all test rows, and by new and known users and movies", heads, rows
    )


def _slice_cell(data: ReportData, variant: str, dimension: str, name: str) -> Cell:
    """ROC AUC within a slice, with its interval and the GAUC below."""
    ranked, within = (data.within(m, dimension, name).set_index("variant") for m in MAIN_METRICS)
    place = {"dimension": dimension, "slice": name}
    cell = metric_cell(ranked, variant, variant, MAIN_METRICS[0], **place)
    gauc = metric_cell(within, variant, variant, MAIN_METRICS[1])
    return Cell(cell.text, f"{cell.below}\nGAUC {gauc.text}".strip(), cell.data)


def metric_cell(rows: pd.DataFrame, key: str, variant: str, metric: str, **attributes: str) -> Cell:
    """The cell of a metric: the mean over seeds, with the deviation and the interval below.

    Args:
        rows: of metric_intervals, with an index that may contain the key.
        key: of the row to show.
        variant: for the attributes.
        metric: for the attributes.
        **attributes: other data-* attributes of the cell.
    """
    attributes = {"variant": variant, "metric": metric, "value": "", **attributes}
    if key not in rows.index or pd.isna(rows.loc[key, "mean"]):
        return Cell(NOTHING, data=attributes)
    row = rows.loc[key]
    columns = {"value": "mean", "stddev": "stddev", "lower": "lower", "upper": "upper"}
    for name, column in columns.items():
        attributes[name] = "" if pd.isna(row[column]) else repr(float(row[column]))
    below = [] if pd.isna(row["stddev"]) else [f"± {row['stddev']:.4f}"]
    if not pd.isna(row["lower"]):
        below.append(f"[{row['lower']:.4f}, {row['upper']:.4f}]")
    return Cell(f"{row['mean']:.4f}", "\n".join(below), attributes)


def tabulate_verdicts(data: ReportData, reference: str) -> HtmlTable:
    """Every metric of every other variant less the reference's, with the verdict."""
    differences = list_differences(data, reference)
    by_metric = differences.set_index(["variant", "metric"])
    rows = [
        [Cell(variant), *(_verdict_cell(by_metric, variant, reference, m) for m in METRIC_NAMES)]
        for variant in dict.fromkeys(differences["variant"])
    ]
    heads = ["variant", *METRIC_NAMES.values()]
    return HtmlTable(f"Every other variant less {reference}", heads, rows)


def _verdict_cell(rows: pd.DataFrame, variant: str, reference: str, metric: str) -> Cell:
    attributes = {"variant": variant, "other": reference, "metric": metric, "difference": ""}
    key = (variant, metric)
    if key not in rows.index or pd.isna(rows.loc[key, "difference"]):
        return Cell(NOTHING, data=attributes)
    row = rows.loc[key]
    attributes["difference"] = repr(float(row["difference"]))
    attributes["verdict"] = row["verdict"]
    verdict = "not known" if pd.isna(row["lower"]) else _VERDICTS[row["verdict"]]
    return Cell(f"{row['difference']:+.4f}", verdict, attributes, row["verdict"])


def tabulate_points(data: ReportData) -> HtmlTable:
    """Points A and B of every variant's curves over the sampled test rows."""
    rows = []
    for variant, curve in trace_variants(data).items():
        a, b = curve.best_f1, curve.best_difference
        values = (
            curve.thresholds[a],
            curve.precision[a],
            curve.recall[a],
            curve.thresholds[b],
            curve.recall[b],
            curve.false_positive_rate[b],
        )
        rows.append([Cell(variant), *(Cell(f"{v:.4f}") for v in values)])
    heads = ["variant", "A: threshold", "precision", "recall", "B: threshold", "TPR", "FPR"]
    return HtmlTable("Points A and B of the sampled test rows, first seeds", heads, rows)


def tabulate_slices(data: ReportData) -> list[HtmlTable]:
    """ROC AUC by slice: a table for each protocol and dimension, or several for many variants."""
    tables = []
    several = len(data.protocols) > 1
    rows = list_slices(data)
    for protocol in data.protocols:
        of_protocol = rows[rows["protocol"] == protocol]
        variants = [v for v in data.variants if v in set(of_protocol["variant"])]
        for dimension in sorted(of_protocol["dimension"].unique()):
            slices = of_protocol[of_protocol["dimension"] == dimension]
            caption = f"ROC AUC by {dimension}" + (f", protocol {protocol}" if several else "")
            for start in range(0, len(variants), _ACROSS):
                across = variants[start : start + _ACROSS]
                tables.append(_tabulate_dimension(slices, dimension, across, caption))
    return tables


def _tabulate_dimension(
    rows: pd.DataFrame, dimension: str, variants: list[str], caption: str
) -> HtmlTable:
    """The slices of one dimension.

    A slice's counts are those of the first variant that has it. A variant that was tested on
    another number of rows has that number in its cell.
    """
    by_variant = {v: rows[rows["variant"] == v].set_index("slice") for v in variants}
    table = []
    for name in order_slices(list(rows["slice"])):
        first = rows[rows["slice"] == name].iloc[0]
        counts = [Cell(f"{int(first[c]):,}") for c in ("rows", "users", "movies")]
        cells = []
        for variant in variants:
            slices = by_variant[variant]
            cell = metric_cell(slices, name, variant, "roc_auc", dimension=dimension, slice=name)
            if name in slices.index and slices.loc[name, "rows"] != first["rows"]:
                below = f"{cell.below}\nof {int(slices.loc[name, 'rows']):,} rows"
                cell = Cell(cell.text, below.strip(), cell.data)
            cells.append(cell)
        table.append([Cell(name), *counts, *cells])
    return HtmlTable(caption, ["slice", "rows", "users", "movies", *variants], table)


def tabulate_ranking(data: ReportData) -> list[HtmlTable]:
    """Every metric of every method's lists, with its interval: a table for each slice of users."""
    tables, rows = [], list_ranking(data)
    for name, words in _RANKED_USERS.items():
        here = rows[rows["slice"] == name]
        if here.empty:
            continue
        users = ", ".join(f"{int(n):,}" for n in here["users"].unique())
        body = [
            [Cell(str(label)), *(_ranking_cell(row) for row in of_method.itertuples())]
            for label, of_method in here.groupby("label", sort=False)
        ]
        tops = "/".join(str(int(top)) for top in here["top"].unique())
        heads = ["method", *(m.title for m in RANKING_METRICS)]
        tables.append(HtmlTable(f"Lists of {tops} movies, {words} ({users})", heads, body))
    return tables


def _ranking_cell(row: Any) -> Cell:
    place = {"method": row.label, "ranking": row.metric, "users": row.slice}
    if pd.isna(row.mean):
        return Cell(NOTHING, data=place)
    below = "" if pd.isna(row.lower) else f"[{row.lower:.4f}, {row.upper:.4f}]"
    return Cell(f"{row.mean:.4f}", below, {**place, "mean": repr(float(row.mean))})


def tabulate_ranking_differences(data: ReportData) -> HtmlTable:
    """The combined order less each other order, of all users, with the verdict."""
    rows = list_ranking_differences(data)
    rows = rows.assign(pair=rows["label"] + " less " + rows["other"])
    body = [
        [Cell(str(pair)), *(_ranking_difference_cell(row) for row in of_pair.itertuples())]
        for pair, of_pair in rows.groupby("pair", sort=False)
    ]
    titles = {m.name: m.title for m in RANKING_METRICS}
    heads = ["difference", *(titles[m] for m in rows["metric"].unique())]
    return HtmlTable("The combined order less the others, all users", heads, body)


def _ranking_difference_cell(row: Any) -> Cell:
    known = not pd.isna(row.lower)
    bounds = f"[{row.lower:+.4f}, {row.upper:+.4f}]\n{_VERDICTS[row.verdict]}"
    place = {"method": row.label, "other": row.other, "ranking": row.metric}
    return Cell(
        f"{row.difference:+.4f}", bounds if known else "interval not known", place, row.verdict
    )


def tabulate_list(data: ReportData) -> HtmlTable:
    """One user's recommended movies, with scores and with what attention is on."""
    listed, reasons = data.recommendations, data.reasons
    rows = [
        [
            Cell(str(int(row.rank))),
            Cell(data.title_of(row.movie_id), data={"movie": str(int(row.movie_id))}),
            Cell(f"{row.score:.3f}"),
            Cell(f"{row.candidate_score:.3f}"),
            Cell(_name_reasons(data, reasons[reasons["rank"] == row.rank])),
        ]
        for row in listed.itertuples()
    ]
    caption = ""
    if rows:
        variant = data.variant_of()[listed["run_id"].iloc[0]]
        moment = f"{listed['as_of'].iloc[0]:%Y-%m-%d %H:%M:%S}"
        caption = f"The list of user {int(listed['user_id'].iloc[0])} as of {moment}, by {variant}"
    heads = ["rank", "movie", "score", "candidate score", "attention is on"]
    return HtmlTable(caption, heads, rows)


def _name_reasons(data: ReportData, reasons: pd.DataFrame) -> str:
    named = (f"{data.title_of(r.liked_movie_id)} {r.weight:+.3f}" for r in reasons.itertuples())
    return "; ".join(named) or NOTHING


def tabulate_runs(data: ReportData) -> HtmlTable:
    """Every training run: its seed, ranks, rows per step, parameters, saved epoch and duration."""
    runs, cut_off = data.runs.set_index("run_id"), list_cut_off(data)
    rows = []
    for entry in data.experiments.itertuples():
        if entry.run_id in runs.index:
            run = runs.loc[entry.run_id]
            rows.append(
                [
                    Cell(entry.variant, _changes(entry.changes)),
                    *(Cell(_whole(run[c])) for c in ("seed", "ranks", "global_batch")),
                    Cell(_whole(run["parameters"])),
                    Cell(_whole(run["best_epoch"]), _cut_off(cut_off.get(entry.run_id))),
                    Cell(_duration(run["started_at"], run["ended_at"])),
                    Cell(entry.run_id),
                ]
            )
    heads = ["variant", "seed", "ranks", "rows per step", "parameters", "saved epoch", "time"]
    return HtmlTable("Training runs", [*heads, "run"], rows)


def list_versions(data: ReportData) -> list[tuple[str, str]]:
    """Packages and code revisions of the runs with their versions, several if runs differ."""
    versions: dict[str, list[str]] = {}
    for run in data.runs.itertuples():
        for name, version in sorted(dict(run.packages or {}).items()):
            versions.setdefault(name, []).append(version)
        versions.setdefault("revision of this code", []).append(run.revision or "not known")
    return [(name, ", ".join(_distinct(values))) for name, values in sorted(versions.items())]


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _day(moment: Any) -> str:
    return NOTHING if pd.isna(moment) else f"{moment:%Y-%m-%d}"


def _whole(value: Any) -> str:
    return NOTHING if pd.isna(value) else f"{int(value):,}"


def _cut_off(epochs: int | None) -> str:
    return "" if epochs is None else f"cut off after {epochs}"


def _duration(start: Any, end: Any) -> str:
    if pd.isna(start) or pd.isna(end):
        return NOTHING
    seconds = (end - start).total_seconds()
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _changes(text: Any) -> str:
    lines = [] if not isinstance(text, str) else text.strip().splitlines()
    return "; ".join(line for line in lines if not line.startswith("training.models"))
