"""How figures look, and how they are kept: SVG, PNG, and the numbers behind them as CSV."""

import math
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmdin.report.evidence import Evidence
from mmdin.variants import BEST_POSSIBLE, NAIVE

_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same letters everywhere
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.labelsize": 10,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#555555",
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "text.parse_math": False,  # a title may hold a dollar sign
    "svg.hashsalt": "mmdin",  # the same picture is the same file
    "svg.fonttype": "path",
}

# Okabe and Ito 2008: told apart with any colour vision. What was not trained is grey or black.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_GREYS = ("#9A9A9A", "#6E6E6E", "#454545")
_LINES = ("-", "--", "-.", (0, (5, 1, 1, 1, 1, 1)), ":")
_MARKERS = "osD^vP*X"

POSITIVE, NEGATIVE = _COLOURS[0], _COLOURS[1]

DOTS_PER_INCH = 150


@dataclass(frozen=True)
class Look:
    """How a variant is drawn in every figure: colour, line style and marker."""

    colour: str
    line: Any
    marker: str

    @property
    def drawn(self) -> dict[str, Any]:
        """As arguments of Axes.plot."""
        return {"color": self.colour, "linestyle": self.line, "marker": self.marker}


@dataclass(frozen=True)
class Drawing:
    """A figure and the numbers that it shows."""

    figure: Figure
    numbers: pd.DataFrame


def style() -> AbstractContextManager[None]:
    """The settings under which every figure is drawn and kept."""
    return mpl.rc_context(_STYLE)


def looks(evidence: Evidence) -> dict[str, Look]:
    """A look for each variant: networks in colours, naive predictors in greys, the best possible
    in black; line styles and markers tell apart what shares a colour."""
    models, found = evidence.model_of(), {}
    networks, naive = evidence.networks, [v for v in evidence.variants if models[v] in NAIVE]
    for own, colours, shift in ((networks, _COLOURS, 0), (naive, _GREYS, 1)):
        for n, variant in enumerate(own):
            around, colour = divmod(n, len(colours))
            line = _LINES[(around + shift * (n + 1)) % len(_LINES)]
            marker = _MARKERS[(n + around) % len(_MARKERS)]
            found[variant] = Look(colours[colour], line, marker)
    for variant in (v for v in evidence.variants if models[v] == BEST_POSSIBLE):
        found[variant] = Look("#000000", (0, (1, 1)), "h")
    return found


def draw(
    width: float, height: float, rows: int = 1, columns: int = 1, **options: Any
) -> tuple[Figure, list[Axes]]:
    """An empty figure of a size in inches, and its axes row by row."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, list(axes.flat)


def grid(
    count: int, columns: int, width: float, height: float, **options: Any
) -> tuple[Figure, list[Axes]]:
    """A figure with a panel for each of `count`, each panel of a size in inches."""
    columns = max(1, min(columns, count))
    rows = max(1, math.ceil(count / columns))
    figure, axes = draw(width * columns, height * rows, rows, columns, **options)
    for unused in axes[count:]:
        unused.set_axis_off()
    return figure, axes[:count]


def add_legend(figure: Figure, handles: Iterable[Artist], labels: Sequence[str]) -> None:
    """A legend below the panels, for which the figure is made taller."""
    width, height = figure.get_size_inches()
    columns = max(1, min(len(labels), int(width * 10.5 / (max(map(len, labels), default=1) + 7))))
    figure.set_size_inches(width, height + 0.1 + 0.2 * math.ceil(len(labels) / columns))
    figure.legend(list(handles), list(labels), loc="outside lower center", ncols=columns)


def whiskers(rows: pd.DataFrame, middle: str) -> np.ndarray:
    """How far the columns lower and upper are from the middle: [2, rows]; 0 where not known."""
    values = rows[[middle, "lower", "upper"]].to_numpy(dtype=float)
    apart = np.stack([values[:, 0] - values[:, 1], values[:, 2] - values[:, 0]])
    return np.clip(np.nan_to_num(apart), 0, None)


def keep(drawing: Drawing, folder: Path, name: str) -> None:
    """Write <folder>/<name>.svg, .png and .csv; numbers in full precision."""
    folder.mkdir(parents=True, exist_ok=True)
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    drawing.figure.savefig(folder / f"{name}.svg", metadata=nothing, dpi=DOTS_PER_INCH)
    drawing.figure.savefig(folder / f"{name}.png", dpi=DOTS_PER_INCH)
    drawing.numbers.to_csv(folder / f"{name}.csv", index=False)
