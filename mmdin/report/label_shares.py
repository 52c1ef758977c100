"""The figure of how many rows are positive."""

import numpy as np
import pandas as pd

from mmdin.report.canvas import NEGATIVE, POSITIVE, Drawing, draw
from mmdin.report.evidence import Evidence

_SPLITS = ("train", "validation", "test")


def order_counts(evidence: Evidence) -> pd.DataFrame:
    """split_counts in the order in which samples are first used, train before test, with column
    positive_share."""
    counts = evidence.split_counts
    used = {s: n for n, s in enumerate(dict.fromkeys(evidence.experiments["samples"]))}
    return (
        counts.assign(
            positive_share=counts["positives"] / counts["rows"],
            set_place=counts["samples"].map(used).fillna(len(used)),
            split_place=counts["split"].map(_SPLITS.index),
        )
        .sort_values(["set_place", "samples", "split_place"])
        .drop(columns=["set_place", "split_place"])
        .reset_index(drop=True)
    )


def draw_label_shares(evidence: Evidence) -> Drawing | None:
    """Positive and negative shares of train and test (figure 2 of arXiv 2110.10205)."""
    counts = order_counts(evidence)
    counts = counts[counts["split"].isin(["train", "test"])]
    if counts.empty:
        return None
    several = counts["samples"].nunique() > 1
    names = [
        f"{r.samples or 'main'}: {r.split}" if several else r.split for r in counts.itertuples()
    ]
    figure, (axes,) = draw(7, 1.3 + 0.45 * len(names))
    positive = counts["positive_share"].to_numpy(dtype=float)
    places = np.arange(len(names))
    axes.barh(places, positive, color=POSITIVE, label="positive", height=0.7)
    axes.barh(
        places, 1 - positive, left=positive, color=NEGATIVE, label="negative", height=0.7,
        hatch="//", edgecolor="white", linewidth=0,
    )  # fmt: skip
    for place, share in zip(places, positive, strict=True):
        axes.text(share / 2, place, f"{share:.2%}", ha="center", va="center", color="white")
        axes.text(
            (1 + share) / 2, place, f"{1 - share:.2%}", ha="center", va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 2},
        )  # fmt: skip
    axes.set_yticks(places, names)
    axes.set(xlim=(0, 1), xlabel="share of rows")
    axes.grid(visible=False)
    axes.invert_yaxis()
    figure.legend(loc="outside upper right", ncols=2)
    return Drawing(figure, counts)
