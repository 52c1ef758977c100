"""The figures of precision-recall and ROC curves, over the sampled test rows."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mmdin.report.canvas import Drawing, add_legend, draw, looks
from mmdin.report.curves import Curve, trace
from mmdin.report.evidence import Evidence

_POINTS = 400
"""Points of a curve that are drawn: more cannot be seen."""


def trace_variants(evidence: Evidence) -> dict[str, Curve]:
    """The curve of each variant's sampled rows; none where they are all of one class."""
    curves = {}
    for variant in evidence.variants:
        rows = evidence.sampled_scores[evidence.sampled_scores["variant"] == variant]
        if rows["label"].nunique() == 2:
            curves[variant] = trace(rows["label"].to_numpy(), rows["score"].to_numpy(dtype=float))
    return curves


def draw_precision_recall(evidence: Evidence) -> Drawing | None:
    """With the positive rate, and each variant's point A of the largest F1 (figure 3 of arXiv
    2110.10205)."""
    curves = trace_variants(evidence)
    if not curves:
        return None
    figure, (axes,) = draw(7, 5)
    protocols = evidence.protocol_of()
    rows = evidence.sampled_scores
    for share in dict.fromkeys(_positive_rates(rows, protocols)):
        axes.axhline(share, color="black", linestyle=":", linewidth=1)
        axes.annotate(
            f"positive rate {share:.3f}", (0, share), (4, 3), textcoords="offset points", fontsize=9
        )
    numbers = _draw_curves(
        axes, evidence, curves, lambda c: (c.recall, c.precision), lambda c: c.best_f1
    )
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01))
    axes.set_ylim(top=1.01)
    add_legend(figure, *axes.get_legend_handles_labels())
    return Drawing(figure, numbers)


def draw_roc(evidence: Evidence) -> Drawing | None:
    """With the diagonal of chance, and each variant's point B of the largest TPR - FPR (figure
    4)."""
    curves = trace_variants(evidence)
    if not curves:
        return None
    figure, (axes,) = draw(7, 5.6)
    axes.plot([0, 1], [0, 1], color="black", linestyle=":", linewidth=1, label="chance")
    numbers = _draw_curves(
        axes,
        evidence,
        curves,
        lambda c: (c.false_positive_rate, c.recall),
        lambda c: c.best_difference,
    )
    axes.set(xlabel="false positive rate (FPR)", ylabel="true positive rate (TPR)")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    add_legend(figure, *axes.get_legend_handles_labels())
    return Drawing(figure, numbers)


def _positive_rates(rows: pd.DataFrame, protocols: dict[str, str]) -> list[float]:
    """Of each protocol's sampled rows, rounded so that equal ones are drawn once."""
    rates = rows.groupby(rows["variant"].map(protocols), sort=False)["label"].mean()
    return [round(float(r), 3) for r in rates]


def _draw_curves(
    axes: Axes,
    evidence: Evidence,
    curves: dict[str, Curve],
    points: Callable[[Curve], tuple[np.ndarray, np.ndarray]],
    best: Callable[[Curve], int],
) -> pd.DataFrame:
    """Draw each curve with its best point; gives the numbers drawn."""
    kept = []
    look = looks(evidence)
    for variant, curve in curves.items():
        place, (x, y) = best(curve), points(curve)
        some = _thin(len(x), place)
        mark = [int(np.searchsorted(some, place))]
        axes.plot(
            x[some], y[some], **look[variant].drawn, label=variant, linewidth=1.4, markevery=mark,
            markersize=8, markeredgecolor="black", zorder=3,
        )  # fmt: skip
        kept.append(
            pd.DataFrame(
                {
                    "variant": variant,
                    "threshold": curve.thresholds[some],
                    "precision": curve.precision[some],
                    "recall": curve.recall[some],
                    "false_positive_rate": curve.false_positive_rate[some],
                    "best": some == place,
                }
            )
        )
    return pd.concat(kept, ignore_index=True)


def _thin(points: int, kept: int) -> np.ndarray:
    """Some of the points' places, the ends and the kept one among them."""
    some = np.linspace(0, points - 1, min(points, _POINTS)).astype(int)
    return np.unique(np.append(some, kept))
