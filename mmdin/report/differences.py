"""The figure of differences in ROC AUC."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from mmdin.report.canvas import Drawing, Look, add_legend, draw, looks, whiskers
from mmdin.report.evidence import Evidence


def list_differences(evidence: Evidence, reference: str) -> pd.DataFrame:
    """The rows of differences of every other variant against the reference, all metrics, in the
    order in which variants are shown; empty where none was tested on the same rows."""
    places = {v: n for n, v in enumerate(evidence.variants)}
    rows = evidence.differences
    rows = rows[(rows["other"] == reference) & rows["variant"].isin(places)]
    return rows.sort_values("variant", key=lambda c: c.map(places), kind="stable")


def draw_differences(evidence: Evidence) -> Drawing | None:
    """Every other variant's ROC AUC less the reference's, with 95 % intervals over users and
    seeds; a panel per reference. Hollow marks are not told apart from it."""
    compared = {r: list_differences(evidence, r) for r in evidence.references}
    compared = {r: rows[rows["metric"] == "roc_auc"] for r, rows in compared.items()}
    compared = {r: rows for r, rows in compared.items() if len(rows)}
    if not compared:
        return None
    heights = [0.3 * len(rows) + 0.5 for rows in compared.values()]
    height = sum(heights) + 0.6 * len(heights)
    figure, panels = draw(7.5, height, len(heights), 1, height_ratios=heights)
    look = looks(evidence)
    for axes, (reference, rows) in zip(panels, compared.items(), strict=True):
        _draw_forest(axes, rows, look)
        axes.set_xlabel(f"ROC AUC less that of {reference}")
    told: dict[str, Any] = {"marker": "o", "color": "#454545", "linestyle": ""}
    handles = [Line2D([], [], **told), Line2D([], [], markerfacecolor="white", **told)]
    add_legend(figure, handles, ["told apart", "not told apart: the interval holds zero"])
    return Drawing(figure, pd.concat(compared.values(), ignore_index=True))


def _draw_forest(axes: Axes, rows: pd.DataFrame, look: dict[str, Look]) -> None:
    axes.axvline(0, color="black", linewidth=1)
    apart = whiskers(rows, "difference")
    for place, row in enumerate(rows.itertuples()):
        own = look[row.variant]
        axes.errorbar(
            float(row.difference), place, xerr=apart[:, [place]], fmt=own.marker, capsize=3,
            color=own.colour, markerfacecolor="white" if row.verdict == "open" else own.colour,
            markersize=7,
        )  # fmt: skip
    axes.set_yticks(range(len(rows)), list(rows["variant"]))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
