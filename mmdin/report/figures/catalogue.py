"""All figures: their order, their titles and how to read them."""

from pathlib import Path

from mmdin.report.figures.attention import draw_attention
from mmdin.report.figures.canvas import save, style
from mmdin.report.figures.differences import draw_differences
from mmdin.report.figures.label_shares import draw_label_shares
from mmdin.report.figures.learning_curve import draw_learning_curve
from mmdin.report.figures.metric_bars import draw_metrics
from mmdin.report.figures.planted import draw_planted
from mmdin.report.figures.recommendations import draw_recommendations
from mmdin.report.figures.reliability import draw_reliability, draw_reliability_of_users
from mmdin.report.figures.scores import draw_scores
from mmdin.report.figures.slices import draw_slices
from mmdin.report.figures.spec import FigureSpec, SavedFigure
from mmdin.report.figures.threshold_curves import draw_precision_recall, draw_roc
from mmdin.report.figures.training_curves import draw_training
from mmdin.report.report_data import ReportData

_CSS_PIXELS_PER_INCH = 96

FIGURES = (
    FigureSpec(
        "label_shares",
        "Labels",
        "The blue part of a bar is the share of the split's rows that are positive.",
        draw_label_shares,
    ),
    FigureSpec(
        "metrics",
        "All metrics",
        "Each bar goes from zero to the mean over seeds, which is printed in it. The line across "
        "its end is the 95 % interval over test users. Starred metrics use the threshold chosen "
        "on validation rows.",
        draw_metrics,
    ),
    FigureSpec(
        "differences",
        "Differences in ROC AUC",
        "Variants right of zero rank better than the reference, variants left of zero rank worse. "
        "A hollow mark is a difference that is not significant: its 95 % interval contains zero.",
        draw_differences,
    ),
    FigureSpec(
        "learning_curve",
        "ROC AUC by training rows",
        "Each line is a model on growing sets of samples. Their test rows differ: compare models "
        "at one size. Bars are 95 % intervals over test users.",
        draw_learning_curve,
    ),
    FigureSpec(
        "precision_recall",
        "Precision and recall",
        "Higher is better. The dotted line is chance. The large mark on each curve is point A, "
        "where F1 is largest on these sampled test rows of the first seed.",
        draw_precision_recall,
    ),
    FigureSpec(
        "roc",
        "ROC curves",
        "Closer to the upper left is better. The dotted diagonal is chance. The large mark on each "
        "curve is point B, where TPR - FPR is largest on these sampled test rows of the first "
        "seed.",
        draw_roc,
    ),
    FigureSpec(
        "scores",
        "Scores",
        "Each mark is a sampled test row at a random horizontal position. The better a network "
        "separates the labels, the more blue is at the top and orange at the bottom. The line is "
        "the threshold of point A.",
        draw_scores,
        shown_as="png",
    ),
    FigureSpec(
        "reliability",
        "Reliability",
        "On the dotted diagonal, 70 % of the rows with a score of 0.7 are positive. Above it "
        "scores are too low, below it too high. The lower panel shows the number of rows behind "
        "each point. First seed only.",
        draw_reliability,
    ),
    FigureSpec(
        "reliability_of_users",
        "Reliability by new and known users",
        "The same for users without and with training rows. A curve that is flatter than the "
        "diagonal is of scores that are too far from the mean; a steeper one, of scores that are "
        "too close to it. First seed only; of more than six variants, only the references and the "
        "first ones.",
        draw_reliability_of_users,
    ),
    FigureSpec(
        "training",
        "Training",
        "One line per seed, dashed for training loss and solid for validation. The mark is the "
        "epoch whose weights were saved. A validation loss that rises while training loss falls is "
        "overfitting.",
        draw_training,
    ),
    FigureSpec(
        "slices",
        "Slices",
        "Each mark is the ROC AUC within one slice, with its 95 % interval over users. Small "
        "slices have wide intervals. Of more than six variants, only the references and the first "
        "ones are drawn.",
        draw_slices,
    ),
    FigureSpec(
        "planted_effects",
        "Planted effects",
        "The world is generated, so what decides each rating is known. On the left is the share of "
        "each planted effect that a variant's scores contain: at the dotted line, all of it. On "
        "the right is the ROC AUC that the variant would gain from being told the effect, with its "
        "95 % interval over users. First seed only; of more than six variants, only the references "
        "and the first ones.",
        draw_planted,
    ),
    FigureSpec(
        "attention",
        "Attention weights",
        "On the left is the movie to be scored, then the movies that the user liked before, the "
        "latest first. A bar is the weight that a network gives to a liked movie: positive to the "
        "right, negative to the left.",
        draw_attention,
        shown_as="png",
    ),
    FigureSpec(
        "recommendations",
        "Ranking metrics",
        "Each mark is the mean over all users who liked a movie of the test rows, with its 95 % "
        "interval over users; coverage has none. Of novelty and coverage, more is not better by "
        "itself.",
        draw_recommendations,
    ),
)


def save_figures(data: ReportData, folder: Path) -> dict[str, SavedFigure]:
    """Draw every figure that there is data for, and save it as SVG, PNG and its numbers as CSV.

    Args:
        data: of the report.
        folder: gets the files; created if it does not exist.

    Returns:
        The saved figures by name, in the order of FIGURES.
    """
    saved = {}
    for spec in FIGURES:
        with style():
            drawing = spec.draw(data)
            if drawing is None:
                continue
            save(drawing, folder, spec.name)
        width, height = (round(n * _CSS_PIXELS_PER_INCH) for n in drawing.figure.get_size_inches())
        path = folder / f"{spec.name}.{spec.shown_as}"
        saved[spec.name] = SavedFigure(spec, path, width, height)
    return saved
