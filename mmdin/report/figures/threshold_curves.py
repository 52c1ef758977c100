"""The figures of precision-recall and ROC curves, over the sampled test rows."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mmdin.report.curves import Curve
from mmdin.report.figures.canvas import Drawing, add_legend, draw, plot_styles
from mmdin.report.report_data import ReportData
from mmdin.report.selections import list_positive_rates, trace_variants

_POINTS = 400
"""Points of a curve that are drawn: more are not visible."""


def draw_precision_recall(data: ReportData) -> Drawing | None:
    """Precision by recall of every variant (figure 3 of arXiv 2110.10205).

    With the positive rate, and each variant's point A, where F1 is largest.
    """
    curves = trace_variants(data)
    if not curves:
        return None
    figure, (axes,) = draw(7, 5)
    for rate in list_positive_rates(data):
        axes.axhline(rate, color="black", linestyle=":", linewidth=1)
        axes.annotate(
            f"positive rate {rate:.3f}", (0, rate), (4, 3), textcoords="offset points", fontsize=9
        )
    numbers = _draw_curves(
        axes, data, curves, lambda c: (c.recall, c.precision), lambda c: c.best_f1
    )
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01))
    axes.set_ylim(top=1.01)
    add_legend(figure, *axes.get_legend_handles_labels())
    return Drawing(figure, numbers)


def draw_roc(data: ReportData) -> Drawing | None:
    """ROC curves of every variant (figure 4 of arXiv 2110.10205).

    With the diagonal of chance, and each variant's point B, where TPR - FPR is largest.
    """
    curves = trace_variants(data)
    if not curves:
        return None
    figure, (axes,) = draw(7, 5.6)
    axes.plot([0, 1], [0, 1], color="black", linestyle=":", linewidth=1, label="chance")
    numbers = _draw_curves(
        axes,
        data,
        curves,
        lambda c: (c.false_positive_rate, c.recall),
        lambda c: c.best_difference,
    )
    axes.set(xlabel="false positive rate (FPR)", ylabel="true positive rate (TPR)")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    add_legend(figure, *axes.get_legend_handles_labels())
    return Drawing(figure, numbers)


def _draw_curves(
    axes: Axes,
    data: ReportData,
    curves: dict[str, Curve],
    points: Callable[[Curve], tuple[NDArray[np.float64], NDArray[np.float64]]],
    best: Callable[[Curve], int],
) -> pd.DataFrame:
    """Draw each curve with its best point, and return the numbers drawn."""
    numbers = []
    styles = plot_styles(data)
    for variant, curve in curves.items():
        place, (x, y) = best(curve), points(curve)
        drawn = _thin(len(x), place)
        mark = [int(np.searchsorted(drawn, place))]
        axes.plot(
            x[drawn], y[drawn], **styles[variant].arguments, label=variant, linewidth=1.4,
            markevery=mark, markersize=8, markeredgecolor="black", zorder=3,
        )  # fmt: skip
        numbers.append(
            pd.DataFrame(
                {
                    "variant": variant,
                    "threshold": curve.thresholds[drawn],
                    "precision": curve.precision[drawn],
                    "recall": curve.recall[drawn],
                    "false_positive_rate": curve.false_positive_rate[drawn],
                    "best": drawn == place,
                }
            )
        )
    return pd.concat(numbers, ignore_index=True)


def _thin(points: int, place: int) -> NDArray[np.int64]:
    """Places of the points to draw: evenly spread, with both ends and the given place."""
    spread = np.linspace(0, points - 1, min(points, _POINTS)).astype(np.int64)
    return np.unique(np.append(spread, place).astype(np.int64))
