"""The figure of the sampled test rows' scores."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from mmdin.report.canvas import NEGATIVE, POSITIVE, Drawing, add_legend, grid
from mmdin.report.evidence import Evidence
from mmdin.report.rankings import trace_variants

_MARKS = ((0, NEGATIVE, "x"), (1, POSITIVE, "o"))
"""Label, colour and marker."""

_LAYERS = 20


def draw_scores(evidence: Evidence) -> Drawing | None:
    """Each sampled row's score at a random abscissa, coloured by its label, with the threshold of
    the largest F1 (figure 5 of arXiv 2110.10205); a panel per network."""
    scores, curves = evidence.sampled_scores, trace_variants(evidence)
    networks = [v for v in evidence.networks if v in curves]
    if not networks:
        return None
    figure, panels = grid(len(networks), 3, 3, 2.7)
    kept = []
    for axes, variant in zip(panels, networks, strict=True):
        rows = scores[scores["variant"] == variant].reset_index(drop=True)
        x = np.random.default_rng(1).random(len(rows))
        curve = curves[variant]
        threshold = float(curve.thresholds[curve.best_f1])
        _scatter(axes, rows, x)
        axes.axhline(threshold, color="black", linewidth=1.4)
        axes.set(xticks=[], ylim=(0, 1), ylabel="score" if axes in panels[::3] else "")
        axes.set_title(f"{variant}\nthreshold {threshold:.3f}")
        kept.append(rows.assign(abscissa=x)[["variant", "row", "abscissa", "score", "label"]])
    marks = [
        Line2D([], [], linestyle="", marker=marker, color=colour) for _, colour, marker in _MARKS
    ]
    line = Line2D([], [], color="black", linewidth=1.4)
    add_legend(figure, [*marks, line], ["negative", "positive", "threshold of point A"])
    return Drawing(figure, pd.concat(kept, ignore_index=True))


def _scatter(axes: Axes, rows: pd.DataFrame, x: np.ndarray) -> None:
    """Draw the rows in layers of both labels, so that neither hides the other."""
    labels, scores = rows["label"].to_numpy(), rows["score"].to_numpy()
    for n in range(_LAYERS):
        for label, colour, marker in _MARKS:
            own = np.flatnonzero(labels == label)[n::_LAYERS]
            axes.scatter(
                x[own], scores[own], s=4, color=colour, alpha=0.35, marker=marker,
                linewidths=0.4 if marker == "x" else 0, rasterized=True,
            )  # fmt: skip
