"""Names of metrics and protocols for readers, and what protocols mean."""

from mmdin.metrics import METRICS

METRIC_NAMES = {metric.name: metric.title for metric in METRICS}
"""Titles of the metrics, in their order; starred ones use the threshold chosen on validation
rows."""

PROTOCOLS = {
    "point_in_time": (
        "Rows are split by time. The earliest rows train, later rows choose epochs and thresholds, "
        "and the latest rows are tested. Features of a row use strictly earlier ratings only, as a "
        "running system would."
    ),
    "random": (
        "Rows are split at random, regardless of time. Statistics of training rows come from the "
        "other folds; statistics of validation and test rows come from training rows. Features of "
        "a test row can include later ratings, so scores are higher than a running system would "
        "reach."
    ),
    "leaky": (
        "Rows are split at random. Statistics are taken over all rows, including the labels of the "
        "test rows, as in published code."
    ),
}
"""Meaning of each value of samples.protocol."""


def enumerate_names(names: list[str]) -> str:
    """The names as "a, b and c"."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
