"""The figure of ROC AUC by the number of training rows."""

import pandas as pd
from matplotlib.axes import Axes

from mmdin.report.figures.canvas import (
    Drawing,
    PlotStyle,
    add_legend,
    grid,
    plot_styles,
    whiskers,
)
from mmdin.report.report_data import ReportData
from mmdin.report.selections import list_sizes


def draw_learning_curve(data: ReportData) -> Drawing | None:
    """ROC AUC by training rows with 95 % intervals over users, a line per model.

    A panel per protocol under which models were trained on sets of samples of different sizes.
    """
    rows = list_sizes(data)
    if rows.empty:
        return None
    protocols = list(dict.fromkeys(rows["protocol"]))
    figure, panels = grid(len(protocols), 2, 7.5, 5)
    # A model looks as its first variant does in the other figures.
    styles = plot_styles(data)
    of_models = {m: styles[v] for v, m in reversed(data.model_of().items())}
    for protocol, axes in zip(protocols, panels, strict=True):
        _draw_protocol(axes, rows[rows["protocol"] == protocol], of_models)
        axes.set_title(protocol, loc="left")
    add_legend(figure, *panels[0].get_legend_handles_labels())
    return Drawing(figure, rows)


def _draw_protocol(axes: Axes, rows: pd.DataFrame, styles: dict[str, PlotStyle]) -> None:
    for model, points in rows.groupby("model", sort=False):
        style = styles[str(model)]
        axes.errorbar(
            points["train_rows"].to_numpy(), points["mean"].to_numpy(dtype=float),
            yerr=whiskers(points, "mean"), label=str(model), markersize=5, elinewidth=1,
            **style.arguments,
        )  # fmt: skip
    axes.set_xscale("log")
    sizes = sorted(set(rows["train_rows"]))
    axes.set_xticks(sizes, [f"{n:,}" for n in sizes])
    axes.minorticks_off()
    axes.set_xlabel("training rows")
    axes.set_ylabel("ROC AUC")
