"""What predictors that are fitted on the driver give, and how the best setting is chosen."""

import logging
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmdin.errors import TableError
from mmdin.roc_auc import roc_auc
from mmdin.scoring.logistic import fit_line

log = logging.getLogger(__name__)

Floats = NDArray[np.float64]

Splits = Mapping[str, pd.DataFrame]
"""Rows of samples by split."""


class Candidate(NamedTuple):
    """A predictor with one setting: scores of validation and of test rows, on any rising scale."""

    name: str
    validation: Floats
    test: Floats


def choose(predictor: str, candidates: Iterable[Candidate], labels: NDArray[np.int32]) -> Candidate:
    """The candidate with the highest validation ROC AUC, its scores made probabilities.

    A logistic regression of the label on the score, over validation rows, makes them so.

    Args:
        predictor: for messages.
        candidates: each is logged as it comes.
        labels: of the validation rows.

    Raises:
        TableError: validation rows are of one class.
    """
    require_both_labels(predictor, labels)
    best, highest = None, -np.inf
    for candidate in candidates:
        reached = roc_auc(labels, candidate.validation)
        log.info("score: %s, %s: validation ROC AUC %.4f", predictor, candidate.name, reached)
        if best is None or reached > highest:
            best, highest = candidate, reached
    assert best is not None
    line = fit_line(best.validation, labels.astype(np.float64), np.ones(len(labels)))
    logits = (line.intercept + line.slope * scores for scores in (best.validation, best.test))
    return Candidate(best.name, *(1 / (1 + np.exp(-logit)) for logit in logits))


def require_both_labels(predictor: str, labels: NDArray[np.int32]) -> None:
    """Check that a predictor can be tuned on validation rows.

    Raises:
        TableError: they are of one class.
    """
    if len(np.unique(labels)) < 2:
        raise TableError(
            f"all validation rows have the same label, so {predictor} cannot be tuned on them: "
            "raise samples.validation_fraction, or leave it out of scoring.predictors"
        )
