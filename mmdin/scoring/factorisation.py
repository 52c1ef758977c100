"""A logistic matrix factorisation of stars, by stochastic gradient descent on the driver.

Biases of users and movies and the product of their factors give a number. Its distance to a few
thresholds in stars, which are learned too, gives the log-odds that a rating reaches each of them
(Koren et al. 2009, doi 10.1109/MC.2009.263; ordinal as in Koren and Sill 2011, doi
10.1145/2043932.2043956).
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmdin.roc_auc import roc_auc
from mmdin.scoring.fitting import Candidate, Floats, Splits

COLUMNS = ("user_index", "movie_index")
"""Columns of samples that it takes, with rating and label."""

_RANK = 32
_PENALTIES = (0.04, 0.06, 0.08, 0.12)
_RATE = 0.05
_ROWS = 64
_PATIENCE = 8
_OTHER_WEIGHT = 0.5


def factorise(splits: Splits, positive_rating: float) -> Iterator[Candidate]:
    """A factorisation for each of a few penalties, stopped early on validation rows.

    Args:
        splits: rows with COLUMNS, rating and label.
        positive_rating: samples.positive_rating. Ratings one star above and below count too.
    """
    for l2 in _PENALTIES:
        yield Factorisation(splits, positive_rating, l2).fit(f"L2 {l2:g}")


class Factorisation:
    """Factors of users and movies, a row for each index with the bias last.

    Index 0, unseen, has zeros.

    Args:
        splits: as of factorise.
        positive_rating: as of factorise.
        l2: weight in the loss of half the squared norm of a row, each time that it is looked up.
    """

    def __init__(self, splits: Splits, positive_rating: float, l2: float) -> None:
        self._splits, self._l2 = splits, l2
        self._generator = np.random.default_rng(1)
        self.users, self.movies = (self._draw(column) for column in COLUMNS)
        stars = splits["train"]["rating"].to_numpy()
        self.reached, self.weights = reach_thresholds(stars, positive_rating)
        shares = self.reached.mean(axis=0)
        self.offsets = np.log(shares / (1 - shares))

    def fit(self, name: str) -> Candidate:
        """Pass over the training rows until validation ROC AUC does not rise."""
        validation = self._splits["validation"]
        labels = validation["label"].to_numpy()
        best, since, kept = -np.inf, 0, Candidate(name, np.empty(0), np.empty(0))
        while since < _PATIENCE:
            self._pass()
            scores = self.score(validation)
            reached, since = roc_auc(labels, scores), since + 1
            if reached > best:
                best, since = reached, 0
                kept = Candidate(name, scores, self.score(self._splits["test"]))
        return kept

    def _draw(self, column: str) -> Floats:
        size = 1 + max(int(rows[column].max()) for rows in self._splits.values())
        factors = self._generator.normal(0, 0.1, (size, _RANK + 1))
        factors[0] = factors[:, -1] = 0
        return factors

    def score(self, rows: pd.DataFrame) -> Floats:
        """The number of each row: the higher, the better the user likes the movie."""
        users, movies = self.users[rows["user_index"]], self.movies[rows["movie_index"]]
        return _number(users, movies)

    def _pass(self) -> None:
        rows = self._splits["train"]
        users, movies = (rows[column].to_numpy() for column in COLUMNS)
        order = self._generator.permutation(len(rows))
        for start in range(0, len(order), _ROWS):
            chosen = order[start : start + _ROWS]
            self.step(users[chosen], movies[chosen], self.reached[chosen])

    def step(self, user: NDArray[np.int32], movie: NDArray[np.int32], reached: Floats) -> None:
        """One step of gradient descent on a few rows, whose gradients are summed.

        Args:
            user: indices [rows].
            movie: indices [rows].
            reached: which thresholds each row reaches [rows, thresholds].
        """
        users, movies = self.users[user], self.movies[movie]
        logits = _number(users, movies)[:, None] + self.offsets
        errors = (1 / (1 + np.exp(-logits)) - reached) * self.weights
        error = errors.sum(axis=1, keepdims=True)
        self.offsets = self.offsets - _RATE * errors.mean(axis=0)
        ones = np.ones_like(error)
        of_users = error * np.hstack([movies[:, :-1], ones]) + self._l2 * users
        of_movies = error * np.hstack([users[:, :-1], ones]) + self._l2 * movies
        np.add.at(self.users, user, -_RATE * of_users)
        np.add.at(self.movies, movie, -_RATE * of_movies)


def _number(users: Floats, movies: Floats) -> Floats:
    products: Floats = (users[:, :-1] * movies[:, :-1]).sum(axis=1)
    return users[:, -1] + movies[:, -1] + products


def reach_thresholds(stars: Floats, positive_rating: float) -> tuple[Floats, Floats]:
    """Which rows reach which threshold, float64 [rows, thresholds], and the thresholds' weights.

    Thresholds that all or no rows reach are left out.
    """
    weights = {positive_rating + d: _OTHER_WEIGHT for d in (-1.0, 1.0)} | {positive_rating: 1.0}
    reached = {t: (stars >= t).astype(np.float64) for t in sorted(weights)}
    used = [t for t, r in reached.items() if 0 < r.mean() < 1]
    return np.stack([reached[t] for t in used], axis=1), np.array([weights[t] for t in used])
