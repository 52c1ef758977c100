"""The figure of the sampled test rows' scores."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from mmdin.report.figures.canvas import NEGATIVE, POSITIVE, Drawing, add_legend, grid
from mmdin.report.report_data import ReportData
from mmdin.report.selections import trace_variants

_MARKS = ((0, NEGATIVE, "x"), (1, POSITIVE, "o"))
"""Label, colour and marker."""

_LAYERS = 20


def draw_scores(data: ReportData) -> Drawing | None:
    """Each sampled row's score at a random x, coloured by its label; a panel per network.

    With the threshold where F1 is largest (figure 5 of arXiv 2110.10205).
    """
    scores, curves = data.sampled_scores, trace_variants(data)
    networks = [v for v in data.networks if v in curves]
    if not networks:
        return None
    figure, panels = grid(len(networks), 3, 3, 2.7)
    numbers = []
    for axes, variant in zip(panels, networks, strict=True):
        rows = scores[scores["variant"] == variant].reset_index(drop=True)
        x = np.random.default_rng(1).random(len(rows))
        curve = curves[variant]
        threshold = float(curve.thresholds[curve.best_f1])
        _scatter(axes, rows, x)
        axes.axhline(threshold, color="black", linewidth=1.4)
        axes.set(xticks=[], ylim=(0, 1), ylabel="score" if axes in panels[::3] else "")
        axes.set_title(f"{variant}\nthreshold {threshold:.3f}")
        numbers.append(rows.assign(abscissa=x)[["variant", "row", "abscissa", "score", "label"]])
    marks = [
        Line2D([], [], linestyle="", marker=marker, color=colour) for _, colour, marker in _MARKS
    ]
    line = Line2D([], [], color="black", linewidth=1.4)
    add_legend(figure, [*marks, line], ["negative", "positive", "threshold of point A"])
    return Drawing(figure, pd.concat(numbers, ignore_index=True))


def _scatter(axes: Axes, rows: pd.DataFrame, x: NDArray[np.float64]) -> None:
    """Draw the rows in layers of both labels, so that neither hides the other."""
    labels, scores = rows["label"].to_numpy(), rows["score"].to_numpy()
    for n in range(_LAYERS):
        for label, colour, marker in _MARKS:
            layer = np.flatnonzero(labels == label)[n::_LAYERS]
            style: dict[str, Any] = {"color": colour, "marker": marker, "alpha": 0.35}
            axes.scatter(
                x[layer], scores[layer], s=4, linewidths=0.4 if marker == "x" else 0,
                rasterized=True, **style,
            )  # fmt: skip
