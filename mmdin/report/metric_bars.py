"""The figure of all metrics of all variants."""

import numpy as np

from mmdin.report.canvas import Drawing, grid, looks, whiskers
from mmdin.report.evidence import Evidence
from mmdin.report.wording import METRIC_NAMES


def draw_metrics(evidence: Evidence) -> Drawing | None:
    """Bars of every metric of every variant, from zero, with 95 % intervals over users (figure 6
    of arXiv 2110.10205)."""
    rows = evidence.metric_intervals
    overall = rows[rows["dimension"] == "all"]
    if overall.empty:
        return None
    variants, look = evidence.variants, looks(evidence)
    figure, panels = grid(len(METRIC_NAMES), 5, 2, 0.8 + 0.22 * len(variants), sharey=True)
    places = np.arange(len(variants))
    for axes, metric in zip(panels, METRIC_NAMES, strict=True):
        own = evidence.overall(metric).set_index("variant").reindex(variants)
        means = own["mean"].to_numpy(dtype=float)
        apart = whiskers(own, "mean")
        axes.barh(places, means, color=[look[v].colour for v in variants], height=0.72, alpha=0.75)
        axes.errorbar(means, places, xerr=apart, fmt="none", ecolor="black", elinewidth=1.2)
        for place, mean in zip(places, means, strict=True):
            said = "-" if np.isnan(mean) else f"{mean:.3f}"
            axes.text(
                0.02, place, said, transform=axes.get_yaxis_transform(), va="center", fontsize=8,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.9},
            )  # fmt: skip
        axes.set_yticks(places, variants)
        axes.set_title(METRIC_NAMES[metric])
        axes.set_xlim(left=0)
        axes.tick_params(axis="x", labelsize=8)
    panels[0].invert_yaxis()
    return Drawing(figure, overall.reset_index(drop=True))
