"""How figures look, and how they are saved: as SVG, as PNG, and their numbers as CSV."""

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
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from mmdin.predictors import BEST_POSSIBLE, kind_of_model
from mmdin.report.report_data import ReportData

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

# Okabe and Ito 2008: distinct in any colour vision. Predictors without training are grey or black.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_GREYS = ("#9A9A9A", "#6E6E6E", "#454545")
_DARK = ("#332288", "#882255")
_LINES = ("-", "--", "-.", (0, (5, 1, 1, 1, 1, 1)), ":")
_MARKERS = "osD^vP*X"

POSITIVE, NEGATIVE = _COLOURS[0], _COLOURS[1]

_DOTS_PER_INCH = 150

_PLACES = 5
"""Decimal places of a part's position, in shares of the figure."""


@dataclass(frozen=True)
class PlotStyle:
    """How a variant is drawn in every figure.

    Attributes:
        colour: hexadecimal.
        line: line style, as matplotlib takes it.
        marker: as matplotlib takes it.
    """

    colour: str
    line: Any
    marker: str

    @property
    def arguments(self) -> dict[str, Any]:
        """The style as arguments of Axes.plot."""
        return {"color": self.colour, "linestyle": self.line, "marker": self.marker}


@dataclass(frozen=True)
class Drawing:
    """A figure and the numbers that it shows.

    Attributes:
        figure: as drawn.
        numbers: a row per mark, bar or point of a line.
    """

    figure: Figure
    numbers: pd.DataFrame


def style() -> AbstractContextManager[None]:
    """The settings under which every figure is drawn and saved."""
    return mpl.rc_context(_STYLE)


def plot_styles(data: ReportData) -> dict[str, PlotStyle]:
    """A style for each variant.

    Networks are in colours, naive predictors in greys, combinations of them in dark colours, the
    best possible in black. Variants that share a colour differ in line style and marker.
    """
    models = data.model_of()
    naive = [v for v in data.variants if kind_of_model(models[v]) == "naive"]
    styles = {}
    combined = [v for v in data.variants if kind_of_model(models[v]) == "combined"]
    kinds = ((data.networks, _COLOURS, 0), (naive, _GREYS, 1), (combined, _DARK, 0))
    for variants, colours, shift in kinds:
        for n, variant in enumerate(variants):
            cycle, colour = divmod(n, len(colours))
            line = _LINES[(cycle + shift * (n + 1)) % len(_LINES)]
            marker = _MARKERS[(n + cycle) % len(_MARKERS)]
            styles[variant] = PlotStyle(colours[colour], line, marker)
    for variant in (v for v in data.variants if models[v] == BEST_POSSIBLE):
        styles[variant] = PlotStyle("#000000", (0, (1, 1)), "h")
    return styles


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
    """Add a legend below the panels, and make the figure taller for it."""
    width, height = figure.get_size_inches()
    columns = max(1, min(len(labels), int(width * 10.5 / (max(map(len, labels), default=1) + 7))))
    figure.set_size_inches(width, height + 0.1 + 0.2 * math.ceil(len(labels) / columns))
    figure.legend(list(handles), list(labels), loc="outside lower center", ncols=columns)


def whiskers(rows: pd.DataFrame, middle: str) -> NDArray[np.float64]:
    """Distances of the columns lower and upper from the column middle.

    Returns:
        [2, rows], float64; 0 if a bound or the middle is not known.
    """
    values = rows[[middle, "lower", "upper"]].to_numpy(dtype=float)
    distances = np.stack([values[:, 0] - values[:, 1], values[:, 2] - values[:, 0]])
    known = np.nan_to_num(distances)
    return np.where(known > 0, known, 0.0)


def save(drawing: Drawing, folder: Path, name: str) -> None:
    """Write <folder>/<name>.svg, .png and .csv; numbers in full precision."""
    folder.mkdir(parents=True, exist_ok=True)
    figure = drawing.figure
    _settle(figure)
    figure.set_dpi(_DOTS_PER_INCH)
    undated = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    # Figure.savefig draws everything once more, to lay out what is laid out already.
    pixels: Any = FigureCanvasAgg(figure)
    pixels.print_png(str(folder / f"{name}.png"))
    shapes: Any = FigureCanvasSVG(figure)
    shapes.print_svg(str(folder / f"{name}.svg"), metadata=undated)
    drawing.numbers.to_csv(folder / f"{name}.csv", index=False)


def _settle(figure: Figure) -> None:
    """Lay the figure out, and round where its parts are.

    The solver's last digits differ from one run to the next, and SVG names clip paths by them.
    """
    engine = figure.get_layout_engine()
    assert engine
    engine.execute(figure)
    figure.set_layout_engine("none")
    for part in figure.subfigs:
        part.bbox_relative.set_points(part.bbox_relative.get_points().round(_PLACES))
    for axes in figure.axes:
        position = axes.get_position(original=True).get_points()
        axes.set_position(Bbox(position.round(_PLACES)))
