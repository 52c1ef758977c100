"""The tables of the page, as rows of cells."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from mmdin.report.differences import list_differences
from mmdin.report.evidence import Evidence
from mmdin.report.label_shares import order_counts
from mmdin.report.rankings import trace_variants
from mmdin.report.slices import list_slices, order_slices
from mmdin.report.wording import METRIC_NAMES
from mmdin.variants import BEST_POSSIBLE, NAIVE

_ACROSS = 8
"""Variants side by side in one table of slices: as many as fit a printed page."""

NOTHING = "-"


@dataclass(frozen=True)
class Cell:
    """What a table's cell shows; below: smaller lines beneath; data: its data-* attributes."""

    text: str
    below: str = ""
    data: dict[str, str] = field(default_factory=dict)
    kind: str = ""


@dataclass(frozen=True)
class Listing:
    """A table: caption, column heads, and rows, each headed by its first cell."""

    caption: str
    heads: list[str]
    rows: list[list[Cell]]


def list_counts(evidence: Evidence) -> Listing:
    """split_counts: rows, positives, users and movies of every split, those unseen counted."""
    rows = []
    for row in order_counts(evidence).itertuples():
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
    return Listing("Rows of each split", heads, rows)


def list_metrics(evidence: Evidence) -> Listing:
    """Every metric over all test rows: a row per variant, naive ones first, the best possible
    last."""
    own = {m: evidence.overall(m).set_index("variant") for m in METRIC_NAMES}
    rows = []
    for variant in _by_kind(evidence):
        cells = [Cell(variant, kind=_kind(evidence, variant))]
        cells += [measured(own[m], variant, variant, m) for m in METRIC_NAMES]
        rows.append(cells)
    return Listing("Metrics over all test rows", ["variant", *METRIC_NAMES.values()], rows)


def measured(rows: pd.DataFrame, key: Any, variant: str, metric: str, **data: str) -> Cell:
    """The cell of a metric: mean and deviation over seeds, the interval below.

    rows: of metric_intervals, indexed by what key is one of.
    """
    data = {"variant": variant, "metric": metric, "value": "", **data}
    if key not in rows.index or pd.isna(rows.loc[key, "mean"]):
        return Cell(NOTHING, data=data)
    row = rows.loc[key]
    for name, column in (
        ("value", "mean"),
        ("stddev", "stddev"),
        ("lower", "lower"),
        ("upper", "upper"),
    ):
        data[name] = "" if pd.isna(row[column]) else repr(float(row[column]))
    below = [] if pd.isna(row["stddev"]) else [f"± {row['stddev']:.4f}"]
    if not pd.isna(row["lower"]):
        below.append(f"[{row['lower']:.4f}, {row['upper']:.4f}]")
    return Cell(f"{row['mean']:.4f}", "\n".join(below), data)


def list_verdicts(evidence: Evidence, reference: str) -> Listing:
    """Every metric of every other variant less the reference's, with the verdict."""
    rows = list_differences(evidence, reference)
    places = rows.set_index(["variant", "metric"])
    listed = []
    for variant in dict.fromkeys(rows["variant"]):
        cells = [Cell(variant)]
        for metric in METRIC_NAMES:
            data = {"variant": variant, "other": reference, "metric": metric, "difference": ""}
            if (variant, metric) not in places.index:
                cells.append(Cell(NOTHING, data=data))
                continue
            row = places.loc[(variant, metric)]
            if pd.isna(row["difference"]):
                cells.append(Cell(NOTHING, data=data))
                continue
            data["difference"] = repr(float(row["difference"]))
            data["verdict"] = row["verdict"]
            said = {"better": "▲ better", "worse": "▼ worse"}.get(row["verdict"], "not told apart")
            cells.append(Cell(f"{row['difference']:+.4f}", said, data, row["verdict"]))
        listed.append(cells)
    heads = ["variant", *METRIC_NAMES.values()]
    return Listing(f"Every other variant less {reference}", heads, listed)


def list_points(evidence: Evidence) -> Listing:
    """Points A and B of every variant's curves over the sampled test rows."""
    rows = []
    for variant, curve in trace_variants(evidence).items():
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
    return Listing("Points A and B, of the sampled test rows and first seeds", heads, rows)


def list_slice_tables(evidence: Evidence) -> list[Listing]:
    """ROC AUC by slice, a table for each protocol and dimension; several where variants are
    many."""
    found = []
    several = len(evidence.protocols) > 1
    rows = list_slices(evidence)
    for protocol in evidence.protocols:
        of_protocol = rows[rows["protocol"] == protocol]
        variants = [v for v in evidence.variants if v in set(of_protocol["variant"])]
        for dimension in sorted(of_protocol["dimension"].unique()):
            own = of_protocol[of_protocol["dimension"] == dimension]
            caption = f"ROC AUC by {dimension}" + (f", protocol {protocol}" if several else "")
            for start in range(0, len(variants), _ACROSS):
                some = variants[start : start + _ACROSS]
                found.append(_list_slices(own, dimension, some, caption))
    return found


def _list_slices(rows: pd.DataFrame, dimension: str, variants: list[str], caption: str) -> Listing:
    """Slices' counts are those of the first variant that has them; a variant that was tested on
    other rows of the slice says how many."""
    by_variant = {v: rows[rows["variant"] == v].set_index("slice") for v in variants}
    listed = []
    for name in order_slices(list(rows["slice"])):
        first = rows[rows["slice"] == name].iloc[0]
        counts = [Cell(f"{int(first[c]):,}") for c in ("rows", "users", "movies")]
        cells = []
        for variant in variants:
            own = by_variant[variant]
            cell = measured(own, name, variant, "roc_auc", dimension=dimension, slice=name)
            if name in own.index and own.loc[name, "rows"] != first["rows"]:
                below = f"{cell.below}\nof {int(own.loc[name, 'rows']):,} rows"
                cell = Cell(cell.text, below.strip(), cell.data)
            cells.append(cell)
        listed.append([Cell(name), *counts, *cells])
    return Listing(caption, ["slice", "rows", "users", "movies", *variants], listed)


def list_runs(evidence: Evidence) -> Listing:
    """Every training run: seed, ranks, rows a step, parameters, the epoch kept and how long it
    took."""
    runs = evidence.runs.set_index("run_id")
    rows = []
    for entry in evidence.experiments.itertuples():
        if entry.run_id in runs.index:
            run = runs.loc[entry.run_id]
            rows.append(
                [
                    Cell(entry.variant, _changes(entry.changes)),
                    *(Cell(_whole(run[c])) for c in ("seed", "ranks", "global_batch")),
                    *(Cell(_whole(run[c])) for c in ("parameters", "best_epoch")),
                    Cell(_minutes(run["started_at"], run["ended_at"])),
                    Cell(entry.run_id),
                ]
            )
    heads = ["variant", "seed", "ranks", "rows a step", "parameters", "epoch kept", "took", "run"]
    return Listing("Training runs", heads, rows)


def list_versions(evidence: Evidence) -> list[tuple[str, str]]:
    """Packages and revisions that runs were made with, several where runs differ."""
    found: dict[str, list[str]] = {}
    for run in evidence.runs.itertuples():
        for name, version in sorted(dict(run.packages or {}).items()):
            found.setdefault(name, []).append(version)
        found.setdefault("revision of this code", []).append(run.revision or "not known")
    return [(name, ", ".join(_distinct(versions))) for name, versions in sorted(found.items())]


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _by_kind(evidence: Evidence) -> list[str]:
    order = {"naive": 0, "network": 1, "best": 2}
    return sorted(evidence.variants, key=lambda v: order[_kind(evidence, v)])


def _kind(evidence: Evidence, variant: str) -> str:
    model = evidence.model_of()[variant]
    return "naive" if model in NAIVE else "best" if model == BEST_POSSIBLE else "network"


def _day(moment: Any) -> str:
    return NOTHING if pd.isna(moment) else f"{moment:%Y-%m-%d}"


def _whole(value: Any) -> str:
    return NOTHING if pd.isna(value) else f"{int(value):,}"


def _minutes(start: Any, end: Any) -> str:
    if pd.isna(start) or pd.isna(end):
        return NOTHING
    seconds = (end - start).total_seconds()
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _changes(text: Any) -> str:
    lines = [] if not isinstance(text, str) else text.strip().splitlines()
    return "; ".join(line for line in lines if not line.startswith("training.models"))
