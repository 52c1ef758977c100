"""The table of models that people read."""

from collections.abc import Iterable, Mapping
from typing import Any

from mmdin.config import MODEL_NAMES, Samples

NAIVE = ("constant", "movie_mean", "mean_of_means")
BEST_POSSIBLE = "best_possible"

_COLUMNS = (
    ("ROC AUC", "roc_auc"),
    ("PR AUC", "pr_auc"),
    ("GAUC", "gauc"),
    ("log loss", "log_loss"),
    ("F1", "f1"),
    ("precision", "precision"),
    ("recall", "recall"),
    ("threshold*", "best_threshold"),
    ("F1*", "best_f1"),
    ("precision*", "best_precision"),
    ("recall*", "best_recall"),
)


def format_comparison(metrics: Iterable[Mapping[str, Any]], samples: Samples) -> str:
    """Rows of METRICS as text: naive predictors on top, networks, the best possible below.

    Heads the table with the protocol, the rows and the label's rule.
    """
    order = (*NAIVE, *MODEL_NAMES, BEST_POSSIBLE)
    rows = sorted(metrics, key=lambda r: (order.index(r["model"]), r["run_id"]))
    lines = [_describe(rows, samples), "", _line("model", [title for title, _ in _COLUMNS])]
    previous = None
    for row in rows:
        part = (row["model"] in NAIVE, row["model"] == BEST_POSSIBLE)
        if part != previous:
            lines.append("-" * len(lines[2]))
        previous = part
        lines.append(_line(row["model"], [_number(row[c]) for _, c in _COLUMNS]))
    return "\n".join([*lines, "", _footnote(samples)])


def _describe(rows: list[Mapping[str, Any]], samples: Samples) -> str:
    count = rows[0]["rows"]
    positive = rows[0]["positives"] / count
    return (
        f"protocol {samples.protocol}; {count:,} test rows, {positive:.4f} of them positive "
        f"(rating >= {samples.positive_rating:g})"
    )


def _footnote(samples: Samples) -> str:
    note = (
        "F1, precision and recall are at threshold 0.5; starred ones at the threshold that is best "
        "for F1 on validation rows."
    )
    if samples.protocol == "leaky":
        note += (
            "\nLEAKY: statistics were taken over all rows, test rows included. These numbers are "
            "only for standing beside published ones; nobody has them in use."
        )
    return note


def _line(name: str, cells: list[str]) -> str:
    return f"{name:<14}" + "".join(f"{cell:>11}" for cell in cells)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
