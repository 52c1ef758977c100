"""The figure of what attention looks at."""

import io
import textwrap
from typing import Any

import matplotlib.image
import matplotlib.lines
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmdin.report.canvas import Drawing, Look, add_legend, looks
from mmdin.report.evidence import Evidence

_PIXELS = 400
"""Height beyond which a poster's rows and columns are left out."""

Case = tuple[Any, ...]


def list_cases(evidence: Evidence) -> dict[Case, pd.DataFrame]:
    """The rows of attention_weights by user, candidate, and the movies praised before it, latest
    first, with columns variant, title and history_title; rows of several variants in one case."""
    rows = evidence.attention_weights
    rows = rows.assign(
        variant=rows["run_id"].map({r: v for v, r in evidence.first_run_of().items()}),
        title=rows["movie_id"].map(lambda m: title_of(evidence, m)),
        history_title=rows["history_movie_id"].map(lambda m: title_of(evidence, m)),
    )
    cases: dict[Case, list[pd.DataFrame]] = {}
    rows = rows[rows["variant"].notna()].sort_values("position", kind="stable")
    for (_, user, movie, at), own in rows.groupby(
        ["run_id", "user_id", "movie_id", "rated_at"], sort=False, dropna=False
    ):
        cases.setdefault((user, movie, at, *own["history_movie_id"]), []).append(own)
    places = {v: n for n, v in enumerate(evidence.variants)}
    return {
        key: pd.concat(sorted(cases[key], key=lambda own: places[own["variant"].iloc[0]]))
        for key in sorted(cases, key=lambda k: (k[0], k[1]))
    }


def title_of(evidence: Evidence, movie_id: int) -> str:
    """The movie's title, or its number where it has none."""
    return evidence.titles.get(int(movie_id), f"movie {movie_id}")


def draw_attention(evidence: Evidence) -> Drawing | None:
    """A row per user: the candidate's poster with its label and every network's score, then the
    praised movies, the latest first, with a bar of the weight that each network gives it."""
    cases = list_cases(evidence)
    if not cases:
        return None
    rows = pd.concat(cases.values(), ignore_index=True)
    shown = [v for v in evidence.networks if v in set(rows["variant"])]
    columns = 1 + int(rows["position"].max())
    bars = 0.35 + 0.17 * len(shown)
    figure = Figure(figsize=(1.6 * columns, (2.75 + bars) * len(cases)), layout="constrained")
    panels = figure.subplots(
        2 * len(cases), columns, squeeze=False, height_ratios=[2.75, bars] * len(cases)
    )
    look = looks(evidence)
    for n, case in enumerate(cases.values()):
        _draw_case(evidence, panels[2 * n], panels[2 * n + 1], case, look)
    _add_names(figure, shown, look)
    return Drawing(figure, rows)


def _draw_case(
    evidence: Evidence, posters: Any, bars: Any, case: pd.DataFrame, look: dict[str, Look]
) -> None:
    first = case.iloc[0]
    liked = "praised" if first["label"] == 1 else "not praised"
    _show_poster(posters[0], evidence, first["movie_id"], f"user {first['user_id']}:\n{liked} this")
    _list_scores(bars[0], case.drop_duplicates("variant"), look)
    largest = max(float(case["weight"].abs().max()), 1e-9)
    praised = dict(list(case.groupby("position")))
    for position in range(1, len(posters)):
        if position in praised:
            own = praised[position]
            said = "praised last" if position == 1 else f"praised {position - 1} before"
            _show_poster(posters[position], evidence, own["history_movie_id"].iloc[0], f"\n{said}")
            _show_weights(bars[position], own, look, largest)
        else:
            posters[position].set_axis_off()
            bars[position].set_axis_off()


def _show_poster(axes: Axes, evidence: Evidence, movie_id: int, said: str) -> None:
    image = decode_poster(evidence.posters.get(int(movie_id)))
    if image is None:
        axes.imshow(np.full((3, 2), 0.85), cmap="gray", vmin=0, vmax=1)
        axes.text(0.5, 0.5, "no poster", transform=axes.transAxes, ha="center", fontsize=8)
    else:
        axes.imshow(image, cmap="gray")
    axes.set_title(said, fontsize=9)
    axes.set_xlabel("\n".join(textwrap.wrap(title_of(evidence, movie_id), 18)[:3]), fontsize=8.5)
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)


def _list_scores(axes: Axes, case: pd.DataFrame, look: dict[str, Look]) -> None:
    axes.set_axis_off()
    axes.set(xlim=(0, 1), ylim=(len(case) - 0.5, -0.5))
    for place, row in enumerate(case.itertuples()):
        own = look[row.variant]
        axes.plot([0.04], [place], marker=own.marker, color=own.colour, clip_on=False)
        axes.text(0.14, place, f"score {row.score:.3f}", fontsize=8.5, va="center")


def _show_weights(axes: Axes, praised: pd.DataFrame, look: dict[str, Look], largest: float) -> None:
    """A bar per network, to the left where the weight is negative, on one scale within a case."""
    for place, row in enumerate(praised.itertuples()):
        own = look[row.variant]
        axes.barh(place, row.weight, color=own.colour, height=0.7, alpha=0.75)
        axes.text(0, place, f" {row.weight:+.2f}", fontsize=8, va="center")
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set(xlim=(-1.05 * largest, 1.05 * largest), ylim=(len(praised) - 0.5, -0.5))
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def _add_names(figure: Figure, shown: list[str], look: dict[str, Look]) -> None:
    handles = [
        matplotlib.lines.Line2D([], [], linestyle="", marker=look[v].marker, color=look[v].colour)
        for v in shown
    ]
    add_legend(figure, handles, shown)


def decode_poster(image: bytes | None) -> np.ndarray | None:
    """The image's pixels, of a large one some; None where there is none or it cannot be drawn."""
    if image is None:
        return None
    try:
        pixels = np.asarray(matplotlib.image.imread(io.BytesIO(image), format="jpg"))
    except (OSError, ValueError, SyntaxError):
        return None
    step = max(1, pixels.shape[0] // _PIXELS)
    return pixels[::step, ::step]
