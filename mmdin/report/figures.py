"""All figures: their order, what they are called, and how they are read."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mmdin.report.attention import draw_attention
from mmdin.report.canvas import Drawing, keep, style
from mmdin.report.differences import draw_differences
from mmdin.report.evidence import Evidence
from mmdin.report.label_shares import draw_label_shares
from mmdin.report.metric_bars import draw_metrics
from mmdin.report.rankings import draw_precision_recall, draw_roc
from mmdin.report.reliability import draw_reliability
from mmdin.report.scores import draw_scores
from mmdin.report.slices import draw_slices
from mmdin.report.training_curves import draw_training

_CSS_PIXELS_PER_INCH = 96


@dataclass(frozen=True)
class FigureOf:
    """A figure of the report.

    name: of its files; caption: how to read it, one sentence; shown_as: svg, or png where it has
    too many marks or images.
    """

    name: str
    title: str
    caption: str
    draw: Callable[[Evidence], Drawing | None]
    shown_as: str = "svg"


@dataclass(frozen=True)
class KeptFigure:
    """A figure that was drawn: its file to show, and its size in CSS pixels."""

    figure: FigureOf
    path: Path
    width: int
    height: int


FIGURES = (
    FigureOf(
        "label_shares",
        "Labels",
        "The longer the blue part of a bar, the more of the split's rows are positive.",
        draw_label_shares,
    ),
    FigureOf(
        "metrics",
        "All metrics",
        "Each bar starts at zero and ends at the mean over seeds, which is printed in it; the line "
        "across its end is the 95 % interval over test users, and starred metrics are at the "
        "threshold chosen on validation rows.",
        draw_metrics,
    ),
    FigureOf(
        "differences",
        "Differences in ROC AUC",
        "A mark right of zero is a variant that ranks better than the reference and left of zero "
        "one that ranks worse; hollow marks, whose 95 % interval holds zero, are not told apart.",
        draw_differences,
    ),
    FigureOf(
        "precision_recall",
        "Precision and recall",
        "Higher is better, and the dotted line is what chance gives; the large mark on each curve "
        "is point A, where F1 is largest on these sampled test rows of the first seed.",
        draw_precision_recall,
    ),
    FigureOf(
        "roc",
        "ROC curves",
        "Nearer to the upper left is better, and the dotted diagonal is chance; the large mark on "
        "each curve is point B, where TPR - FPR is largest on these sampled test rows of the first "
        "seed.",
        draw_roc,
    ),
    FigureOf(
        "scores",
        "Scores",
        "Each mark is a sampled test row at a random abscissa; the better a network tells labels "
        "apart, the more blue is above and orange below, and the line is the threshold of point A.",
        draw_scores,
        shown_as="png",
    ),
    FigureOf(
        "reliability",
        "Reliability",
        "On the dotted diagonal a score of 0.7 means that 70 % of such rows are positive, above it "
        "scores are too low and below it too high; the lower panel says how many rows stand behind "
        "each point of the first seed.",
        draw_reliability,
    ),
    FigureOf(
        "training",
        "Training",
        "A line per seed, dashed for training loss and solid for validation; the mark is the epoch "
        "whose weights were kept, and a validation loss that rises while training loss falls is "
        "overfitting.",
        draw_training,
    ),
    FigureOf(
        "slices",
        "Slices",
        "Each mark is the ROC AUC within the slice alone, with its 95 % interval over users; wide "
        "intervals are small slices, and of more than six variants the references and the first "
        "are drawn.",
        draw_slices,
    ),
    FigureOf(
        "attention",
        "What attention looks at",
        "On the left is the movie to be scored, then the movies that the user praised before, the "
        "latest first; the longer a bar to the right, the more that movie counts for the network, "
        "and a bar to the left counts against.",
        draw_attention,
        shown_as="png",
    ),
)


def keep_figures(evidence: Evidence, folder: Path) -> dict[str, KeptFigure]:
    """Draw every figure that there is evidence for into a folder, by name; each as SVG and PNG with
    its numbers as CSV."""
    kept = {}
    for figure in FIGURES:
        with style():
            drawing = figure.draw(evidence)
            if drawing is None:
                continue
            keep(drawing, folder, figure.name)
        width, height = (round(n * _CSS_PIXELS_PER_INCH) for n in drawing.figure.get_size_inches())
        path = folder / f"{figure.name}.{figure.shown_as}"
        kept[figure.name] = KeptFigure(figure, path, width, height)
    return kept
