"""The figure of training, epoch by epoch."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from mmdin.report.canvas import Drawing, Look, add_legend, draw, looks
from mmdin.report.evidence import Evidence


def draw_training(evidence: Evidence) -> Drawing | None:
    """Losses and validation ROC AUC by epoch, two panels per network, a thin line per seed; the
    epoch whose weights were kept is marked."""
    if evidence.epochs.empty:
        return None
    best = evidence.runs.set_index("run_id")["best_epoch"]
    epochs = evidence.epochs.assign(
        variant=evidence.epochs["run_id"].map(evidence.variant_of()),
        is_best=evidence.epochs["epoch"] == evidence.epochs["run_id"].map(best),
    )
    networks = [v for v in evidence.networks if v in set(epochs["variant"])]
    across = min(2, len(networks))
    down = -(-len(networks) // across)
    figure, panels = draw(4.9 * across, 2.2 * down, down, 2 * across)
    look = looks(evidence)
    for n, variant in enumerate(networks):
        _draw_network(
            panels[2 * n : 2 * n + 2], epochs[epochs["variant"] == variant], look[variant]
        )
        panels[2 * n].set_title(variant, loc="left")
    for unused in panels[2 * len(networks) :]:
        unused.set_axis_off()
    _share_limits(panels[0 : 2 * len(networks) : 2])
    _share_limits(panels[1 : 2 * len(networks) : 2])
    by_label = dict(zip(*reversed(panels[0].get_legend_handles_labels()), strict=True))
    add_legend(figure, by_label.values(), list(by_label))
    return Drawing(figure, epochs.reset_index(drop=True))


def _draw_network(panels: list[Axes], epochs: pd.DataFrame, look: Look) -> None:
    losses, ranking = panels
    for _, run in epochs.groupby("run_id", sort=False):
        thin: dict[str, Any] = {"color": look.colour, "linewidth": 1}
        losses.plot(run["epoch"], run["train_loss"], linestyle="--", label="training", **thin)
        losses.plot(run["epoch"], run["validation_loss"], label="validation", **thin)
        ranking.plot(run["epoch"], run["validation_roc_auc"], **thin)
        kept = run[run["is_best"]]
        mark: dict[str, Any] = {
            "linestyle": "",
            "marker": "o",
            "color": look.colour,
            "markeredgecolor": "black",
        }
        losses.plot(kept["epoch"], kept["validation_loss"], label="epoch that was kept", **mark)
        ranking.plot(kept["epoch"], kept["validation_roc_auc"], **mark)
    losses.set(xlabel="epoch", ylabel="log loss, nats")
    ranking.set(xlabel="epoch", ylabel="validation ROC AUC")
    for axes in panels:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))


def _share_limits(panels: list[Axes]) -> None:
    """Show all on one scale, so that networks can be compared."""
    limits = [axes.get_ylim() for axes in panels]
    for axes in panels:
        axes.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))
