"""The figure of what was found of the planted effects of a generated world."""

from typing import Any

import numpy as np
from matplotlib.lines import Line2D

from mmdin.report.figures.canvas import Drawing, add_legend, draw, plot_styles, whiskers
from mmdin.report.report_data import ReportData
from mmdin.report.selections import list_planted


def draw_planted(data: ReportData) -> Drawing | None:
    """By planted effect: the share that variants have learned, and the ROC AUC that they miss."""
    rows = list_planted(data)
    if rows.empty:
        return None
    effects, variants = list(rows["effect"].unique()), list(rows["variant"].unique())
    heights = 0.35 + 0.13 * len(variants)
    figure, (left, right) = draw(10, 1.1 + heights * len(effects), 1, 2, sharey=True)
    places, styles = np.arange(len(effects)), plot_styles(data)
    worth = rows.groupby("effect")["worth"].max().reindex(effects)
    right.barh(places, worth, height=0.9, color="#e4e4e4")
    handles = []
    for n, variant in enumerate(variants):
        of_variant = rows[rows["variant"] == variant].set_index("effect").reindex(effects)
        shift = (n - (len(variants) - 1) / 2) * 0.72 / len(variants)
        mark: dict[str, Any] = {
            "marker": styles[variant].marker,
            "color": styles[variant].colour,
            "markersize": 5,
        }
        left.plot(of_variant["learned"], places + shift, linestyle="", **mark)
        bars = whiskers(of_variant, "missing")
        right.errorbar(
            of_variant["missing"], places + shift, xerr=bars, linestyle="", elinewidth=1.1, **mark
        )
        handles.append(Line2D([], [], linestyle="", **mark))
    left.axvline(1, color="black", linestyle=":", linewidth=1)
    left.axvline(0, color="black", linewidth=1)
    left.set_xlabel("share that the scores contain")
    right.set_xlabel("ROC AUC gained if told the effect; grey: what it is worth")
    left.set_yticks(places, effects)
    left.set_ylim(len(effects) - 0.5, -0.5)
    add_legend(figure, handles, variants)
    return Drawing(figure, rows)
