"""The figure of all metrics of all variants."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mmdin.report.figures.canvas import Drawing, grid, plot_styles, whiskers
from mmdin.report.report_data import ReportData
from mmdin.report.wording import METRIC_NAMES


def draw_metrics(data: ReportData) -> Drawing | None:
    """Bars of every metric of every variant, with 95 % intervals over users.

    Bars start at zero (figure 6 of arXiv 2110.10205).
    """
    rows = data.metric_intervals
    overall = rows[rows["dimension"] == "all"]
    if overall.empty:
        return None
    variants, styles = data.variants, plot_styles(data)
    figure, panels = grid(len(METRIC_NAMES), 5, 2, 0.8 + 0.22 * len(variants), sharey=True)
    places = np.arange(len(variants))
    for axes, metric in zip(panels, METRIC_NAMES, strict=True):
        means = data.overall(metric).set_index("variant").reindex(variants)
        _draw_bars(axes, means, [styles[v].colour for v in variants])
        axes.set_yticks(places, variants)
        axes.set_title(METRIC_NAMES[metric])
        axes.set_xlim(left=0)
        axes.tick_params(axis="x", labelsize=8)
    panels[0].invert_yaxis()
    return Drawing(figure, overall.reset_index(drop=True))


def _draw_bars(axes: Axes, rows: pd.DataFrame, colours: list[str]) -> None:
    """A bar per row of metric_intervals, with the mean in it and the interval at its end."""
    places, means = np.arange(len(rows)), rows["mean"].to_numpy(dtype=float)
    axes.barh(places, means, color=colours, height=0.72, alpha=0.75)
    axes.errorbar(
        means, places, xerr=whiskers(rows, "mean"), fmt="none", ecolor="black", elinewidth=1.2
    )
    for place, mean in enumerate(means):
        axes.text(
            0.02, place, "-" if np.isnan(mean) else f"{mean:.3f}", va="center", fontsize=8,
            transform=axes.get_yaxis_transform(),
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.9},
        )  # fmt: skip
