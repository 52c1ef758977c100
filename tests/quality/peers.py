"""Predictors from outside the project, tuned on validation rows of the very same samples."""

import itertools
from collections.abc import Callable, Iterator

import lightgbm
import numpy as np
import pandas as pd

from mmdin.inputs import GENRE_SLOTS, INPUTS, POSTER_FEATURES, USER_POSTER_STATISTICS, genre
from mmdin.training.rank.roc_auc import roc_auc

Scores = tuple[np.ndarray, np.ndarray]
"""Of validation rows and of test rows, any increasing scale."""

_NUMBERS = [i.value for i in INPUTS if i.is_bucket and "poster" not in i.group]
_MOST_KEYS = 200_000
_POSTERS = [*POSTER_FEATURES, *USER_POSTER_STATISTICS]


def best_on_validation(
    candidates: Iterator[tuple[str, Scores]], validation: pd.DataFrame
) -> tuple[str, float, np.ndarray]:
    """Of (name, scores): the one with the highest validation ROC AUC, that, and its test scores."""
    scored = []
    for name, (of_validation, of_test) in candidates:
        scored.append((roc_auc(validation.label.to_numpy(), of_validation), name, of_test))
        print(f"  {name}: validation ROC AUC {scored[-1][0]:.4f}", flush=True)
    auc, name, of_test = max(scored, key=lambda f: f[0])
    return name, auc, of_test


def boosted(samples: dict[str, pd.DataFrame]) -> Iterator[tuple[str, Scores]]:
    """LightGBM on the readable features and genres: with and without posters and identities,
    on labels and on stars, small and larger trees; stopped early on validation rows."""
    for posters, identities, leaves, on_stars in itertools.product(
        (False, True), (False, True), (7, 31), (False, True)
    ):
        tables = {s: _describe(rows, posters, identities) for s, rows in samples.items()}
        target = "rating" if on_stars else "label"
        sets = {s: lightgbm.Dataset(tables[s], samples[s][target]) for s in ("train", "validation")}
        booster = lightgbm.train(
            {
                "objective": "regression" if on_stars else "binary",
                "metric": "l2" if on_stars else "auc",
                "num_leaves": leaves,
                "learning_rate": 0.03,
                "min_data_in_leaf": 50,
                "feature_fraction": 0.5,
                "bagging_fraction": 0.7,
                "bagging_freq": 1,
                "lambda_l2": 5,
                "cat_smooth": 50,
                "seed": 1,
                "verbose": -1,
            },
            sets["train"],
            num_boost_round=2000,
            valid_sets=[sets["validation"]],
            callbacks=[lightgbm.early_stopping(100, verbose=False)],
        )
        scores = tuple(np.asarray(booster.predict(tables[s])) for s in ("validation", "test"))
        seen = f"{', posters' if posters else ''}{', identities' if identities else ''}"
        yield f"LightGBM on {target}, {leaves} leaves{seen}", scores


def factorized(samples: dict[str, pd.DataFrame]) -> Iterator[tuple[str, Scores]]:
    """Logistic matrix factorisation with biases: on labels and on labels and stars (ordinal), of
    rank 16 and 32, four penalties."""
    for rank, l2, stars in itertools.product(
        (16, 32), (0.04, 0.06, 0.08, 0.12), ((3.5,), (2.5, 3.5, 4.5))
    ):
        thresholds = [(t, 1.0 if t == 3.5 else 0.5) for t in stars]
        scores = _factorize(samples, rank, l2, thresholds)
        yield f"matrix factorisation on {stars} stars, rank {rank}, L2 {l2}", scores


def _describe(rows: pd.DataFrame, posters: bool, identities: bool) -> pd.DataFrame:
    slots = rows[[f"{genre(s)}_index" for s in range(1, GENRE_SLOTS + 1)]].to_numpy()
    genres = {f"genre {g}": (slots == g).any(axis=1).astype(float) for g in range(1, 25)}
    described = rows[[*_NUMBERS, *(_POSTERS if posters else [])]].astype(float).assign(**genres)
    if identities:
        for key in ("user_index", "movie_index"):
            described[key] = pd.Categorical(rows[key], categories=range(_MOST_KEYS))
    return described


def _factorize(
    samples: dict[str, pd.DataFrame], rank: int, l2: float, thresholds: list[tuple[float, float]]
) -> Scores:
    """Stochastic gradient descent, stopped early on validation rows (Koren et al. 2009)."""
    generator = np.random.default_rng(1)
    users, movies = (
        generator.normal(0, 0.1, (1 + max(s[key].max() for s in samples.values()), rank + 1))
        for key in ("user_index", "movie_index")
    )
    users[:, -1] = movies[:, -1] = 0
    train = samples["train"]
    reached = np.array([train.rating.to_numpy() >= t for t, _ in thresholds], float).T
    weights = np.array([w for _, w in thresholds])
    offsets = np.log(reached.mean(0) / (1 - reached.mean(0)))

    def score(rows: pd.DataFrame) -> np.ndarray:
        u, m = users[rows.user_index], movies[rows.movie_index]
        return u[:, -1] + m[:, -1] + (u[:, :-1] * m[:, :-1]).sum(1)

    def descend(rows: np.ndarray, rate: float) -> None:
        nonlocal offsets
        at, to = train.user_index.to_numpy()[rows], train.movie_index.to_numpy()[rows]
        u, m = users[at], movies[to]
        logit = u[:, -1] + m[:, -1] + (u[:, :-1] * m[:, :-1]).sum(1)
        errors = (1 / (1 + np.exp(-logit[:, None] - offsets)) - reached[rows]) * weights
        error = errors.sum(1, keepdims=True)
        offsets = offsets - rate * errors.mean(0)
        ones = np.ones_like(error)
        np.add.at(users, at, -rate * (error * np.hstack([m[:, :-1], ones]) + l2 * u))
        np.add.at(movies, to, -rate * (error * np.hstack([u[:, :-1], ones]) + l2 * m))

    return _stop_early(score, lambda rows: descend(rows, 0.05), samples, generator)


def _stop_early(
    score: Callable[[pd.DataFrame], np.ndarray],
    descend: Callable[[np.ndarray], None],
    samples: dict[str, pd.DataFrame],
    generator: np.random.Generator,
    patience: int = 8,
) -> Scores:
    validation, best, since = samples["validation"], -1.0, 0
    while since < patience:
        order = generator.permutation(len(samples["train"]))
        for start in range(0, len(order), 64):
            descend(order[start : start + 64])
        scores = score(validation)
        auc, since = roc_auc(validation.label.to_numpy(), scores), since + 1
        if auc > best:
            best, since, kept = auc, 0, (scores, score(samples["test"]))
    return kept
