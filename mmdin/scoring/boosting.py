"""LightGBM on the readable features of samples, on the driver. Loaded only if it is configured."""

import itertools
from collections.abc import Iterator

import numpy as np
import pandas as pd

from mmdin.inputs import (
    GENRE_SLOTS,
    INPUTS,
    NUMBERS,
    POSTER_FEATURES,
    USER_POSTER_STATISTICS,
    genre,
)
from mmdin.scoring.fitting import Candidate, Splits

_IDENTITIES = ["user_index", "movie_index"]
_NUMBERS = [
    *(i.value for i in INPUTS if i.is_bucket and "poster" not in i.group),
    *(n.column for n in NUMBERS if "poster" not in n.group),
]
_POSTERS = [
    *POSTER_FEATURES,
    *USER_POSTER_STATISTICS,
    *(n.column for n in NUMBERS if "poster" in n.group),
]
_GENRES = [f"{genre(slot)}_index" for slot in range(1, GENRE_SLOTS + 1)]

COLUMNS = (*_IDENTITIES, *_NUMBERS, *_POSTERS, *_GENRES)
"""Columns of samples that it takes, with label."""

_MOST_GENRES = 50
_TREES, _PATIENCE = 2000, 100
_SETTINGS = {
    "objective": "binary",
    "metric": "auc",
    "learning_rate": 0.03,
    "min_data_in_leaf": 50,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5,
    "cat_smooth": 50,
    "seed": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}


def boost(splits: Splits) -> Iterator[Candidate]:
    """Boosted trees, small and larger, with and without posters and identities.

    Trees are added until validation ROC AUC does not rise.

    Args:
        splits: rows with COLUMNS and label.
    """
    import lightgbm

    genres = min(int(splits["train"][_GENRES].to_numpy().max()), _MOST_GENRES)
    for posters, identities in itertools.product((False, True), (False, True)):
        columns = [*_NUMBERS, *(_POSTERS if posters else []), *(_IDENTITIES if identities else [])]
        tables = {split: _describe(rows, columns, genres) for split, rows in splits.items()}
        categories = _IDENTITIES if identities else []
        train, validation = (
            lightgbm.Dataset(tables[s], splits[s]["label"], categorical_feature=categories)
            for s in ("train", "validation")
        )
        for leaves in (7, 31):
            booster = lightgbm.train(
                {**_SETTINGS, "num_leaves": leaves},
                train,
                num_boost_round=_TREES,
                valid_sets=[validation],
                callbacks=[lightgbm.early_stopping(_PATIENCE, verbose=False)],
            )
            seen = f"{', posters' * posters}{', identities' * identities}"
            scores = (np.asarray(booster.predict(tables[s])) for s in ("validation", "test"))
            yield Candidate(f"{leaves} leaves{seen}", *scores)


def _describe(rows: pd.DataFrame, columns: list[str], genres: int) -> pd.DataFrame:
    """The columns, and whether the movie is of each of the first genres."""
    slots = rows[_GENRES].to_numpy()
    of_genre = {
        f"genre_{g}": (slots == g).any(axis=1).astype(np.float32) for g in range(1, genres + 1)
    }
    return rows[columns].assign(**of_genre)
