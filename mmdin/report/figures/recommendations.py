"""The figure of ranking metrics of recommended lists."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mmdin.metrics import ALL, RANKING_METRICS
from mmdin.report.figures.canvas import Drawing, grid, whiskers
from mmdin.report.report_data import ReportData
from mmdin.report.selections import list_ranking

_COLOURS = {
    "popularity": "#9A9A9A",
    "als": "#454545",
    "network": "#0072B2",
    "combined": "#D55E00",
}


def draw_recommendations(data: ReportData) -> Drawing | None:
    """Every ranking metric of each order of candidates, with 95 % intervals, of all users."""
    rows = list_ranking(data)
    rows = rows[rows["slice"] == ALL].reset_index(drop=True)
    if rows.empty:
        return None
    labels = list(rows["label"].unique())
    figure, panels = grid(len(RANKING_METRICS), 4, 2.4, 0.8 + 0.25 * len(labels), sharey=True)
    for axes, metric in zip(panels, RANKING_METRICS, strict=True):
        of_metric = rows[rows["metric"] == metric.name].set_index("label").reindex(labels)
        _draw_marks(axes, of_metric.reset_index())
        axes.set_title(metric.title)
    panels[0].set_yticks(range(len(labels)), labels)
    return Drawing(figure, rows)


def _draw_marks(axes: Axes, rows: pd.DataFrame) -> None:
    bars = whiskers(rows, "mean")
    for place, row in enumerate(rows.itertuples()):
        if not np.isnan(mean := float(row.mean)):
            colour = _COLOURS.get(row.method, "#000000")
            axes.errorbar(mean, place, xerr=bars[:, [place]], fmt="o", color=colour, capsize=3)
    axes.set_xlim(left=0)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.locator_params(axis="x", nbins=4)
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(visible=False, axis="y")
