"""The figures of how far scores can be read as probabilities."""

import pandas as pd
from matplotlib.axes import Axes

from mmdin.report.figures.canvas import Drawing, PlotStyle, add_legend, draw, grid, plot_styles
from mmdin.report.report_data import ReportData
from mmdin.report.selections import list_calibration, list_calibration_of_users


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


def draw_reliability_of_users(data: ReportData) -> Drawing | None:
    """The same for new and for known users, a panel each."""
    rows = list_calibration_of_users(data)
    if rows.empty:
        return None
    slices, styles = sorted(rows["slice"].unique(), reverse=True), plot_styles(data)
    figure, panels = grid(len(slices), 2, 5.5, 5.5)
    for name, axes in zip(slices, panels, strict=True):
        _draw_slice(axes, rows[rows["slice"] == name], styles)
        axes.set_title(f"{name} users", loc="left")
    by_label = dict(zip(*reversed(panels[0].get_legend_handles_labels()), strict=True))
    add_legend(figure, by_label.values(), list(by_label))
    return Drawing(figure, rows)


def _draw_slice(axes: Axes, rows: pd.DataFrame, styles: dict[str, PlotStyle]) -> None:
    axes.plot([0, 1], [0, 1], color="black", linestyle=":", linewidth=1, label="perfectly reliable")
    for place, (variant, bins) in enumerate(rows.groupby("variant", sort=False)):
        style = styles[str(variant)]
        axes.plot(
            bins["mean_score"], bins["positive_share"], **style.arguments, markersize=5,
            linewidth=1.2, label=variant,
        )  # fmt: skip
        axes.text(
            0.98, 0.02 + 0.05 * place, f"ECE {bins['calibration_error'].iloc[0]:.4f}", ha="right",
            color=style.colour, fontsize=9,
        )  # fmt: skip
    axes.set(xlabel="mean score of the bin", ylabel="share of positives")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
