"""The predictors that are no networks."""

import hashlib
import importlib.util
from collections.abc import Sequence
from typing import Literal

from mmdin.errors import ConfigurationError

NAIVE = ("constant", "movie_mean", "mean_of_means", "additive")
"""The naive predictors, with which every network is shown."""

FITTED = ("factorisation", "lightgbm")
"""Predictors that are fitted on the driver, if scoring.predictors names them."""

COMBINED = ("ensemble", "stack")
"""Predictors that combine the scores of others, if scoring.predictors names them."""

BEST_POSSIBLE = "best_possible"
"""In an invented world, the predictor that knows the truth."""


def naive_run_id(predictor: str, samples_name: str) -> str:
    """The run_id of a predictor's scores of a set of samples."""
    return f"{predictor}-{samples_name}" if samples_name else predictor


def ensemble_run_id(run_ids: Sequence[str]) -> str:
    """The run_id of the ensemble of some runs."""
    return f"ensemble-{hashlib.sha256(' '.join(sorted(run_ids)).encode()).hexdigest()[:12]}"


Kind = Literal["naive", "network", "combined", "best"]


def kind_of_model(model: str) -> Kind:
    """Kind of a column `model` of the tables: naive also if it is fitted on the driver."""
    if model in (*NAIVE, *FITTED):
        return "naive"
    if model in COMBINED:
        return "combined"
    return "best" if model == BEST_POSSIBLE else "network"


def require_packages(predictors: Sequence[str]) -> None:
    """Check that the packages of configured predictors are installed, without loading them.

    Raises:
        ConfigurationError: one is not.
    """
    if "lightgbm" in predictors and importlib.util.find_spec("lightgbm") is None:
        raise ConfigurationError(
            "scoring.predictors names lightgbm, which is not installed where the job runs: install "
            "it with pip install 'mmdin[lightgbm]', or leave it out of scoring.predictors"
        )


def require_tracking(uri: str) -> None:
    """Check that MLflow is installed if tracking.mlflow is set, without loading it.

    Raises:
        ConfigurationError: it is not.
    """
    if uri and importlib.util.find_spec("mlflow") is None:
        raise ConfigurationError(
            "tracking.mlflow needs the package mlflow-skinny, which is not installed where the job "
            "runs: install it with pip install 'mmdin[mlflow]', or leave tracking.mlflow empty"
        )
