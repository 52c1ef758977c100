"""The figure of how many rows are positive."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mmdin.report.figures.canvas import NEGATIVE, POSITIVE, Drawing, draw
from mmdin.report.report_data import ReportData
from mmdin.report.selections import order_counts


def draw_label_shares(data: ReportData) -> Drawing | None:
    """Positive and negative shares of train and test (figure 2 of arXiv 2110.10205)."""
    counts = order_counts(data)
    counts = counts[counts["split"].isin(["train", "test"])]
    if counts.empty:
        return None
    names = _name_bars(counts)
    figure, (axes,) = draw(7, 1.3 + 0.45 * len(names))
    _draw_bars(axes, names, counts["positive_share"].to_numpy(dtype=float))
    axes.set(xlim=(0, 1), xlabel="share of rows")
    axes.grid(visible=False)
    axes.invert_yaxis()
    figure.legend(loc="outside upper right", ncols=2)
    return Drawing(figure, counts)


def _name_bars(counts: pd.DataFrame) -> list[str]:
    """The splits, with the name of the set of samples if there are several."""
    several = counts["samples"].nunique() > 1
    return [
        f"{r.samples or 'main'}: {r.split}" if several else r.split for r in counts.itertuples()
    ]


def _draw_bars(axes: Axes, names: list[str], positive: NDArray[np.float64]) -> None:
    places = np.arange(len(names))
    axes.barh(places, positive, color=POSITIVE, label="positive", height=0.7)
    axes.barh(
        places, 1 - positive, left=positive, color=NEGATIVE, label="negative", height=0.7,
        hatch="//", edgecolor="white", linewidth=0,
    )  # fmt: skip
    for place, share in enumerate(positive):
        axes.text(share / 2, place, f"{share:.2%}", ha="center", va="center", color="white")
        axes.text(
            (1 + share) / 2, place, f"{1 - share:.2%}", ha="center", va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 2},
        )  # fmt: skip
    axes.set_yticks(places, names)
