"""The figure of ROC AUC by slice of the test rows."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmdin.report.figures.canvas import Drawing, PlotStyle, add_legend, plot_styles, whiskers
from mmdin.report.report_data import ReportData
from mmdin.report.selections import choose_for_slices, list_slices, order_slices


def draw_slices(data: ReportData) -> Drawing | None:
    """ROC AUC by slice with 95 % intervals, of the variants that choose_for_slices names."""
    rows, variants = list_slices(data), choose_for_slices(data)
    drawn = rows[rows["variant"].isin(variants)]
    if drawn.empty:
        return None
    figure, panels = _arrange_panels(drawn, 0.14 + 0.085 * len(variants))
    styles = plot_styles(data)
    for dimension, axes in panels.items():
        _draw_dimension(axes, drawn[drawn["dimension"] == dimension], variants, styles)
        axes.set_title(f"by {dimension}", loc="left")
    limits = [axes.get_xlim() for axes in panels.values()]
    lowest, highest = min(low for low, _ in limits), max(high for _, high in limits)
    for axes in panels.values():
        axes.set_xlim(max(lowest, 0), min(highest, 1.02))
    first = next(iter(panels.values()))
    add_legend(figure, *first.get_legend_handles_labels())
    return Drawing(figure, rows.reset_index(drop=True))


def _arrange_panels(rows: pd.DataFrame, slice_height: float) -> tuple[Figure, dict[str, Axes]]:
    """An empty figure, and its axes by dimension: one column after the other, from the top.

    Args:
        rows: to be drawn.
        slice_height: height of one slice, in inches.
    """
    slices = rows.groupby("dimension")["slice"].nunique()
    heights = {d: n * slice_height + 0.75 for d, n in slices.items()}
    columns = _balance_columns(heights)
    height = max(sum(heights[d] for d in column) for column in columns)
    figure = Figure(figsize=(5.2 * len(columns), height), layout="constrained")
    panels: dict[str, Axes] = {}
    parts = figure.subfigures(1, len(columns), squeeze=False)
    for part, dimensions in zip(parts.flat, columns, strict=True):
        ratios = [heights[d] for d in dimensions]
        column = part.subplots(len(dimensions), 1, squeeze=False, height_ratios=ratios)
        panels |= dict(zip(dimensions, column.flat, strict=True))
        panels[dimensions[-1]].set_xlabel("ROC AUC")
    return figure, panels


def _balance_columns(heights: dict[str, float]) -> list[list[str]]:
    """Dimensions in two columns of about equal height, the tallest first; one if it is alone."""
    columns: list[list[str]] = [[], []]
    for dimension in sorted(heights, key=lambda d: -heights[d]):
        min(columns, key=lambda c: sum(heights[d] for d in c)).append(dimension)
    return [c for c in columns if c]


def _draw_dimension(
    axes: Axes, rows: pd.DataFrame, variants: list[str], styles: dict[str, PlotStyle]
) -> None:
    slices = order_slices(list(rows["slice"]))
    counts = rows.groupby("slice")["rows"].max()
    places = np.arange(len(slices))
    for n, variant in enumerate(variants):
        means = rows[rows["variant"] == variant].set_index("slice").reindex(slices)
        shift = (n - (len(variants) - 1) / 2) * 0.72 / max(1, len(variants))
        axes.errorbar(
            means["mean"].to_numpy(dtype=float), places + shift, xerr=whiskers(means, "mean"),
            fmt=styles[variant].marker, color=styles[variant].colour, markersize=4.5,
            elinewidth=1.1, label=variant,
        )  # fmt: skip
    for place in places[1:]:
        axes.axhline(place - 0.5, color="#dddddd", linewidth=0.6)
    axes.axvline(0.5, color="black", linestyle=":", linewidth=1)
    axes.grid(visible=False, axis="y")
    axes.set_yticks(places, [f"{s}  ({counts[s]:,} rows)" for s in slices])
    axes.set_ylim(len(slices) - 0.5, -0.5)
