"""The figure of ROC AUC by slice of the test rows."""

import re

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmdin.report.canvas import Drawing, Look, add_legend, looks, whiskers
from mmdin.report.evidence import Evidence

_AT_MOST = 6
"""Variants that can be told apart side by side."""


def order_slices(slices: list[str]) -> list[str]:
    """Slices by the number that they begin with, then by name, unknown last."""

    def place(name: str) -> tuple[bool, float, str]:
        number = re.match(r"\d+", name)
        return name == "unknown", float(number.group()) if number else np.inf, name

    return sorted(set(slices), key=place)


def list_slices(evidence: Evidence) -> pd.DataFrame:
    """The rows of metric_intervals of ROC AUC in every slice but the one of all rows."""
    rows = evidence.metric_intervals
    return rows[(rows["metric"] == "roc_auc") & (rows["dimension"] != "all")]


def draw_slices(evidence: Evidence) -> Drawing | None:
    """ROC AUC by slice with 95 % intervals, of the mean of means and the networks; of many
    networks, the references and the first."""
    rows, shown = list_slices(evidence), _choose(evidence)
    drawn = rows[rows["variant"].isin(shown)]
    if drawn.empty:
        return None
    each = 0.14 + 0.085 * len(shown)
    heights = {d: n * each + 0.75 for d, n in drawn.groupby("dimension")["slice"].nunique().items()}
    columns = _arrange(heights)
    figure = Figure(
        figsize=(5.2 * len(columns), max(sum(heights[d] for d in c) for c in columns)),
        layout="constrained",
    )
    look, panels = looks(evidence), []
    parts = figure.subfigures(1, len(columns), squeeze=False)
    for part, dimensions in zip(parts.flat, columns, strict=True):
        ratios = [heights[d] for d in dimensions]
        column = part.subplots(len(dimensions), 1, squeeze=False, height_ratios=ratios)
        for axes, dimension in zip(column.flat, dimensions, strict=True):
            _draw_dimension(axes, drawn[drawn["dimension"] == dimension], shown, look)
            axes.set_title(f"by {dimension}", loc="left")
            panels.append(axes)
        panels[-1].set_xlabel("ROC AUC")
    lowest = min(axes.get_xlim()[0] for axes in panels)
    for axes in panels:
        axes.set_xlim(max(lowest, 0), min(max(a.get_xlim()[1] for a in panels), 1.02))
    add_legend(figure, *panels[0].get_legend_handles_labels())
    return Drawing(figure, rows.reset_index(drop=True))


def _arrange(heights: dict[str, float]) -> list[list[str]]:
    """Dimensions in two columns of about equal height, the tallest first; one where it is alone."""
    columns: list[list[str]] = [[], []]
    for dimension in sorted(heights, key=lambda d: -heights[d]):
        min(columns, key=lambda c: sum(heights[d] for d in c)).append(dimension)
    return [c for c in columns if c]


def _choose(evidence: Evidence) -> list[str]:
    models = evidence.model_of()
    means = [v for v in evidence.variants if models[v] == "mean_of_means"]
    first = list(dict.fromkeys([*evidence.references, *evidence.networks]))
    chosen = {*means, *first[: max(1, _AT_MOST - len(means))]}
    return [v for v in evidence.variants if v in chosen]


def _draw_dimension(
    axes: Axes, rows: pd.DataFrame, shown: list[str], look: dict[str, Look]
) -> None:
    slices = order_slices(list(rows["slice"]))
    counts = rows.groupby("slice")["rows"].max()
    places = np.arange(len(slices))
    for n, variant in enumerate(shown):
        own = rows[rows["variant"] == variant].set_index("slice").reindex(slices)
        shift = (n - (len(shown) - 1) / 2) * 0.72 / max(1, len(shown))
        axes.errorbar(
            own["mean"].to_numpy(dtype=float), places + shift, xerr=whiskers(own, "mean"),
            fmt=look[variant].marker, color=look[variant].colour, markersize=4.5, elinewidth=1.1,
            label=variant,
        )  # fmt: skip
    for place in places[1:]:
        axes.axhline(place - 0.5, color="#dddddd", linewidth=0.6)
    axes.axvline(0.5, color="black", linestyle=":", linewidth=1)
    axes.grid(visible=False, axis="y")
    axes.set_yticks(places, [f"{s}  ({counts[s]:,} rows)" for s in slices])
    axes.set_ylim(len(slices) - 0.5, -0.5)
