"""The figure of training, epoch by epoch."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from mmdin.report.figures.canvas import Drawing, PlotStyle, add_legend, draw, plot_styles
from mmdin.report.report_data import ReportData
from mmdin.report.selections import list_epochs


def draw_training(data: ReportData) -> Drawing | None:
    """Losses and validation ROC AUC by epoch: two panels per network, a thin line per seed.

    The epoch whose weights were saved is marked.
    """
    if data.epochs.empty:
        return None
    epochs = list_epochs(data)
    networks = [v for v in data.networks if v in set(epochs["variant"])]
    across = min(2, len(networks))
    down = -(-len(networks) // across)
    figure, panels = draw(4.9 * across, 2.2 * down, down, 2 * across)
    styles = plot_styles(data)
    for n, variant in enumerate(networks):
        pair = panels[2 * n : 2 * n + 2]
        _draw_network(pair, epochs[epochs["variant"] == variant], styles[variant])
        panels[2 * n].set_title(variant, loc="left")
    for unused in panels[2 * len(networks) :]:
        unused.set_axis_off()
    _share_limits(panels[0 : 2 * len(networks) : 2])
    _share_limits(panels[1 : 2 * len(networks) : 2])
    by_label = dict(zip(*reversed(panels[0].get_legend_handles_labels()), strict=True))
    add_legend(figure, by_label.values(), list(by_label))
    return Drawing(figure, epochs)


def _draw_network(panels: list[Axes], epochs: pd.DataFrame, style: PlotStyle) -> None:
    losses, ranking = panels
    line: dict[str, Any] = {"color": style.colour, "linewidth": 1}
    mark: dict[str, Any] = {
        "linestyle": "",
        "marker": "o",
        "color": style.colour,
        "markeredgecolor": "black",
    }
    for _, run in epochs.groupby("run_id", sort=False):
        losses.plot(run["epoch"], run["train_loss"], linestyle="--", label="training", **line)
        losses.plot(run["epoch"], run["validation_loss"], label="validation", **line)
        ranking.plot(run["epoch"], run["validation_roc_auc"], **line)
        best = run[run["is_best"]]
        losses.plot(best["epoch"], best["validation_loss"], label="saved epoch", **mark)
        ranking.plot(best["epoch"], best["validation_roc_auc"], **mark)
    losses.set(xlabel="epoch", ylabel="log loss, nats")
    ranking.set(xlabel="epoch", ylabel="validation ROC AUC")
    for axes in panels:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))


def _share_limits(panels: list[Axes]) -> None:
    """Show all on one scale, so that networks can be compared."""
    limits = [axes.get_ylim() for axes in panels]
    for axes in panels:
        axes.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))
