"""What a figure of the report is, before and after it is drawn. Loads no matplotlib."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mmdin.report.report_data import ReportData

if TYPE_CHECKING:
    from mmdin.report.figures.canvas import Drawing


@dataclass(frozen=True)
class FigureSpec:
    """A figure of the report.

    Attributes:
        name: of its files, without the ending.
        title: heading of its caption.
        caption: how to read it.
        draw: draws it; None if the data has nothing to draw.
        shown_as: svg, or png if it has too many marks or images.
    """

    name: str
    title: str
    caption: str
    draw: Callable[[ReportData], "Drawing | None"]
    shown_as: str = "svg"


@dataclass(frozen=True)
class SavedFigure:
    """A figure that was drawn.

    Attributes:
        spec: of the figure.
        path: the file that the page shows.
        width: in CSS pixels.
        height: in CSS pixels.
    """

    spec: FigureSpec
    path: Path
    width: int
    height: int
