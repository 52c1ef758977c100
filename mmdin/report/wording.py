"""What metrics and protocols are called, and what they mean, in words."""

from mmdin.metrics import METRICS

METRIC_NAMES = {metric.name: metric.title for metric in METRICS}
"""Titles of the metrics, in their order; starred ones are at the threshold chosen on validation
rows."""

PROTOCOLS = {
    "point_in_time": (
        "Rows are split by time: the earliest train, later ones choose epochs and thresholds, the "
        "latest are tested. What a row knows of its user and its movie comes from strictly earlier "
        "ratings only, as it would in use."
    ),
    "random": (
        "Rows are split by chance, whatever their time. Statistics of training rows come from "
        "other folds, those of validation and test rows from training rows. A test row may so be "
        "told what happened after it: scores are higher than a running system would have."
    ),
    "leaky": (
        "Rows are split by chance, and statistics are taken over all rows, the test rows' own "
        "labels included, as published code has it."
    ),
}
"""Values of samples.protocol."""


def enumerate_names(names: list[str]) -> str:
    """a, b and c."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
