"""The figure of differences in ROC AUC."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from mmdin.report.figures.canvas import Drawing, PlotStyle, add_legend, draw, plot_styles, whiskers
from mmdin.report.report_data import ReportData
from mmdin.report.selections import list_roc_auc_differences


def draw_differences(data: ReportData) -> Drawing | None:
    """Every other variant's ROC AUC less the reference's, with 95 % intervals over users and seeds.

    A panel per reference. Marks are hollow if the difference is not significant.
    """
    differences = list_roc_auc_differences(data)
    if not differences:
        return None
    heights = [0.3 * len(rows) + 0.5 for rows in differences.values()]
    height = sum(heights) + 0.6 * len(heights)
    figure, panels = draw(7.5, height, len(heights), 1, height_ratios=heights)
    styles = plot_styles(data)
    for axes, (reference, rows) in zip(panels, differences.items(), strict=True):
        _draw_forest(axes, rows, styles)
        axes.set_xlabel(f"ROC AUC less that of {reference}")
    mark: dict[str, Any] = {"marker": "o", "color": "#454545", "linestyle": ""}
    handles = [Line2D([], [], **mark), Line2D([], [], markerfacecolor="white", **mark)]
    add_legend(figure, handles, ["significantly different", "not significantly different"])
    return Drawing(figure, pd.concat(differences.values(), ignore_index=True))


def _draw_forest(axes: Axes, rows: pd.DataFrame, styles: dict[str, PlotStyle]) -> None:
    axes.axvline(0, color="black", linewidth=1)
    bars = whiskers(rows, "difference")
    for place, row in enumerate(rows.itertuples()):
        style = styles[row.variant]
        axes.errorbar(
            float(row.difference), place, xerr=bars[:, [place]], fmt=style.marker, capsize=3,
            color=style.colour, markersize=7,
            markerfacecolor="white" if row.verdict == "open" else style.colour,
        )  # fmt: skip
    axes.set_yticks(range(len(rows)), list(rows["variant"]))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
