"""The predictors that need no training."""

NAIVE = ("constant", "movie_mean", "mean_of_means", "additive")
"""The naive predictors, with which every network is shown."""

BEST_POSSIBLE = "best_possible"
"""In an invented world, the predictor that knows the truth."""


def naive_run_id(predictor: str, samples_name: str) -> str:
    """The run_id of a predictor's scores of a set of samples."""
    return f"{predictor}-{samples_name}" if samples_name else predictor
