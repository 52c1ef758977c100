"""The figure of whether scores mean what they say."""

import pandas as pd

from mmdin.report.canvas import Drawing, add_legend, draw, looks
from mmdin.report.evidence import Evidence


def draw_reliability(evidence: Evidence) -> Drawing | None:
    """The share of positives by mean score in ten bins, of each variant's first seed, with the
    expected calibration error (ECE); below it, how many rows each bin holds."""
    first, look = evidence.first_run_of(), looks(evidence)
    rows = evidence.calibration[evidence.calibration["run_id"].isin(list(first.values()))]
    if rows.empty:
        return None
    errors = evidence.metrics.set_index("run_id")["calibration_error"]
    figure, (axes, below) = draw(7, 7, 2, 1, height_ratios=[5, 2])
    axes.plot([0, 1], [0, 1], color="black", linestyle=":", linewidth=1, label="perfectly reliable")
    for variant in evidence.variants:
        run_id, drawn = first[variant], look[variant].drawn
        bins = rows[rows["run_id"] == run_id].sort_values("bin")
        error = float(errors[run_id]) if run_id in errors.index else float("nan")
        axes.plot(
            bins["mean_score"], bins["positive_share"], **drawn, markersize=5, linewidth=1.2,
            label=f"{variant}: ECE {error:.4f}",
        )  # fmt: skip
        below.plot((bins["bin"] + 0.5) / 10, bins["rows"], **drawn, markersize=4, linewidth=1)
    axes.set(xlabel="mean score of the bin", ylabel="share of positives")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    below.set(xlabel="score, by bin", ylabel="test rows", xlim=(-0.01, 1.01))
    below.set_ylim(bottom=0)
    add_legend(figure, *axes.get_legend_handles_labels())
    kept = rows.assign(calibration_error=rows["run_id"].map(errors))
    return Drawing(figure, pd.DataFrame(kept.reset_index(drop=True)))
