"""The figure of how far scores can be read as probabilities."""

from mmdin.report.figures.canvas import Drawing, add_legend, draw, plot_styles
from mmdin.report.report_data import ReportData
from mmdin.report.selections import list_calibration


def draw_reliability(data: ReportData) -> Drawing | None:
    """The share of positives by mean score in ten bins, of each variant's first seed.

    With the expected calibration error (ECE); the lower panel has the number of rows of each bin.
    """
    rows = list_calibration(data)
    if rows.empty:
        return None
    first, styles = data.first_run_of(), plot_styles(data)
    errors = data.metrics.set_index("run_id")["calibration_error"]
    figure, (axes, below) = draw(7, 7, 2, 1, height_ratios=[5, 2])
    axes.plot([0, 1], [0, 1], color="black", linestyle=":", linewidth=1, label="perfectly reliable")
    for variant in data.variants:
        run_id, style = first[variant], styles[variant].arguments
        bins = rows[rows["run_id"] == run_id].sort_values("bin")
        error = float(errors[run_id]) if run_id in errors.index else float("nan")
        axes.plot(
            bins["mean_score"], bins["positive_share"], **style, markersize=5, linewidth=1.2,
            label=f"{variant}: ECE {error:.4f}",
        )  # fmt: skip
        below.plot((bins["bin"] + 0.5) / 10, bins["rows"], **style, markersize=4, linewidth=1)
    axes.set(xlabel="mean score of the bin", ylabel="share of positives")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    below.set(xlabel="score, by bin", ylabel="test rows", xlim=(-0.01, 1.01))
    below.set_ylim(bottom=0)
    add_legend(figure, *axes.get_legend_handles_labels())
    return Drawing(figure, rows)
