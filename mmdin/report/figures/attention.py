"""The figure of attention weights."""

import textwrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from mmdin.posters.images import decode
from mmdin.report.figures.canvas import Drawing, PlotStyle, add_legend, plot_styles
from mmdin.report.report_data import ReportData
from mmdin.report.selections import list_cases

_PIXELS = 400
"""Height in pixels from which on a poster's rows and columns are thinned."""


def draw_attention(data: ReportData) -> Drawing | None:
    """Which of the movies that a user liked the networks weigh: a row of posters per user.

    First the candidate's poster with its label and every network's score, then the liked movies,
    the latest first, with a bar of the weight that each network gives them.
    """
    cases = list_cases(data)
    if not cases:
        return None
    rows = pd.concat(cases.values(), ignore_index=True)
    networks = [v for v in data.networks if v in set(rows["variant"])]
    columns = 1 + int(rows["position"].max())
    bars = 0.35 + 0.17 * len(networks)
    figure = Figure(figsize=(1.6 * columns, (2.75 + bars) * len(cases)), layout="constrained")
    panels = figure.subplots(
        2 * len(cases), columns, squeeze=False, height_ratios=[2.75, bars] * len(cases)
    )
    styles = plot_styles(data)
    for n, case in enumerate(cases.values()):
        _draw_case(data, panels[2 * n], panels[2 * n + 1], case, styles)
    handles = [
        Line2D([], [], linestyle="", marker=styles[v].marker, color=styles[v].colour)
        for v in networks
    ]
    add_legend(figure, handles, networks)
    return Drawing(figure, rows)


def _draw_case(
    data: ReportData, posters: Any, bars: Any, case: pd.DataFrame, styles: dict[str, PlotStyle]
) -> None:
    first = case.iloc[0]
    verb = "liked" if first["label"] == 1 else "did not like"
    _show_poster(posters[0], data, first["movie_id"], f"user {first['user_id']}\n{verb} this")
    _list_scores(bars[0], case.drop_duplicates("variant"), styles)
    largest = max(float(case["weight"].abs().max()), 1e-9)
    liked = dict(list(case.groupby("position")))
    for position in range(1, len(posters)):
        if position in liked:
            rows = liked[position]
            movie_id = rows["history_movie_id"].iloc[0]
            _show_poster(posters[position], data, movie_id, f"\n{_name_position(position)}")
            _show_weights(bars[position], rows, styles, largest)
        else:
            posters[position].set_axis_off()
            bars[position].set_axis_off()


def _name_position(position: int) -> str:
    """The position in words: latest liked, 2nd latest, 3rd latest and so on."""
    if position == 1:
        return "latest liked"
    ending = {2: "nd", 3: "rd"}.get(position, "th")
    return f"{position}{ending} latest"


def _show_poster(axes: Axes, data: ReportData, movie_id: int, title: str) -> None:
    image = decode_poster(data.posters.get(int(movie_id)))
    if image is None:
        axes.imshow(np.full((3, 2), 0.85), cmap="gray", vmin=0, vmax=1)
        axes.text(0.5, 0.5, "no poster", transform=axes.transAxes, ha="center", fontsize=8)
    else:
        axes.imshow(image)
    axes.set_title(title, fontsize=9)
    axes.set_xlabel("\n".join(textwrap.wrap(data.title_of(movie_id), 18)[:3]), fontsize=8.5)
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)


def _list_scores(axes: Axes, case: pd.DataFrame, styles: dict[str, PlotStyle]) -> None:
    axes.set_axis_off()
    axes.set(xlim=(0, 1), ylim=(len(case) - 0.5, -0.5))
    for place, row in enumerate(case.itertuples()):
        style = styles[row.variant]
        axes.plot([0.04], [place], marker=style.marker, color=style.colour, clip_on=False)
        axes.text(0.14, place, f"score {row.score:.3f}", fontsize=8.5, va="center")


def _show_weights(
    axes: Axes, rows: pd.DataFrame, styles: dict[str, PlotStyle], largest: float
) -> None:
    """A bar per network, to the left if the weight is negative, on one scale within a case."""
    for place, row in enumerate(rows.itertuples()):
        axes.barh(place, row.weight, color=styles[row.variant].colour, height=0.7, alpha=0.75)
        axes.text(0, place, f" {row.weight:+.2f}", fontsize=8, va="center")
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set(xlim=(-1.05 * largest, 1.05 * largest), ylim=(len(rows) - 0.5, -0.5))
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def decode_poster(content: bytes | None) -> NDArray[np.uint8] | None:
    """The image as poster features measure it, thinned if it is large.

    Args:
        content: bytes of the image file; None if there is none.

    Returns:
        (rows, columns, 3), uint8; None if there is no image or it cannot be decoded.
    """
    if content is None:
        return None
    try:
        pixels = decode(content)
    # Pillow raises all kinds of exceptions, and a report is worth more than one poster.
    except Exception:
        return None
    step = max(1, pixels.shape[0] // _PIXELS)
    return pixels[::step, ::step]
