"""How much of what was planted in a generated world each run has found."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from mmdin.evaluation.metrics import Z_95
from mmdin.evaluation.statistics import measure_roc_auc, standard_errors
from mmdin.roc_auc import roc_auc
from mmdin.schemas import PLANTED_EFFECTS, TRUE_PROBABILITIES

EFFECTS = tuple(TRUE_PROBABILITIES.columns[3:])
"""The planted parts of the log-odds: all columns of true_probabilities behind the probability."""

_RUN = ("run_id", "variant", "model")
_NEAREST = 1e-6
"""Scores nearer than this to 0 or 1 count as this near."""

Floats = NDArray[np.float64]


def measure_effects(scored: DataFrame, true_probabilities: DataFrame) -> DataFrame:
    """The rows of PLANTED_EFFECTS of every run.

    One task measures a run's scores, as in mmdin.evaluation.metrics.

    Args:
        scored: columns of PREDICTIONS, and variant.
        true_probabilities: table of that name, with every row of scored.
    """
    needed = scored.select(*_RUN, "user_id", "movie_id", "label", "score")
    with_truth = needed.join(true_probabilities, on=["user_id", "movie_id"])
    return with_truth.groupBy("run_id").applyInPandas(_measure_run, PLANTED_EFFECTS.schema)


def _measure_run(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of PLANTED_EFFECTS of one run."""
    score, truth = (_log_odds(rows[column]) for column in ("score", "probability"))
    users, labels = rows["user_id"].to_numpy(), rows["label"].to_numpy()
    best = roc_auc(labels, truth)
    reached, influences_reached = measure_roc_auc(users, labels, score)
    planted = rows[list(EFFECTS)].to_numpy(dtype=np.float64)
    measured = []
    for n, (effect, learned) in enumerate(zip(EFFECTS, _fit(planted, score), strict=True)):
        known = np.stack([score, planted[:, n]], axis=1)
        with_effect, influences = measure_roc_auc(users, labels, known @ _fit(known, truth))
        half = Z_95 * standard_errors(influences - influences_reached)[0]
        missing = with_effect - reached
        measured.append(
            {
                "effect": effect,
                "rows": len(rows),
                "worth": best - roc_auc(labels, truth - planted[:, n]),
                "learned": learned,
                "missing": missing,
                "lower": missing - half,
                "upper": missing + half,
            }
        )
    run = {name: rows[name].iloc[0] for name in _RUN}
    return pd.DataFrame([run | row for row in measured])[PLANTED_EFFECTS.columns]


def _log_odds(probabilities: "pd.Series[float]") -> Floats:
    clipped = probabilities.to_numpy(dtype=np.float64).clip(_NEAREST, 1 - _NEAREST)
    log_odds: Floats = np.log(clipped / (1 - clipped))
    return log_odds


def _fit(columns: Floats, target: Floats) -> Floats:
    """Slopes of an ordinary least squares regression, with an intercept, on columns: [rows, n]."""
    with_one = np.column_stack([columns, np.ones(len(columns))])
    return np.linalg.lstsq(with_one, target)[0][:-1].astype(np.float64, copy=False)
