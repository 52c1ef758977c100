"""From plans to ratings: the probability that each rating is positive, and the ratings drawn.

log-odds(rating >= 3.5) = base + movie quality + user mean + genre taste + poster taste
                          + recent interest

Recent interest compares the candidate with each of the last five liked movies, that is those with a
positive rating: mean over them of likeness(candidate, liked) - expected likeness of the candidate,
where a missing movie counts as zero. It depends on earlier outcomes, so the users of a block are
stepped through time together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmdin.inputs import HISTORY_LENGTH
from mmdin.world.catalogue import Catalogue, likeness
from mmdin.world.plans import FIXED_TERMS, Plan

TERMS = (*FIXED_TERMS, "recent_interest")
"""Terms of the log-odds, by their columns in true_probabilities."""

_NEGATIVE_STARS = {0.5: 0.018, 1.0: 0.039, 1.5: 0.015, 2.0: 0.075, 2.5: 0.042, 3.0: 0.219}
_POSITIVE_STARS = {3.5: 0.104, 4.0: 0.27, 4.5: 0.076, 5.0: 0.14}
"""Share of each rating in MovieLens."""

_STARS = np.array([*_NEGATIVE_STARS, *_POSITIVE_STARS])

EVEN_CUTS = np.arange(1.0 - len(_NEGATIVE_STARS), len(_POSITIVE_STARS))
"""Cuts before they are fitted."""


@dataclass(frozen=True)
class Calibration:
    """Constants of the rating process.

    Attributes:
        base: log-odds if every term is zero.
        centre: of each term by name.
        factor: of each term by name; factor * (term - centre) has mean zero and the configured
            standard deviation over ratings.
        cuts: (9,), the satisfaction in log-odds at which each rating above 0.5 stars begins; 3.5
            stars begin at zero.
    """

    base: float
    centre: dict[str, float]
    factor: dict[str, float]
    cuts: NDArray[np.float64]

    def scaled(self, term: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The term in log-odds."""
        return self.factor[term] * (values - self.centre[term])


@dataclass(frozen=True)
class Outcomes:
    """n ratings of a block of users, in order of user_id, time and movie_id; every array is (n,).

    Attributes:
        user_id: who rates.
        movie_id: what is rated.
        seconds: time of the rating, since 1970.
        rating: in stars.
        probability: that the rating is positive.
        satisfaction: latent variable of the rating, in log-odds.
        terms: by name, in log-odds.
    """

    user_id: NDArray[np.int64]
    movie_id: NDArray[np.int64]
    seconds: NDArray[np.int64]
    rating: NDArray[np.float64]
    probability: NDArray[np.float64]
    satisfaction: NDArray[np.float64]
    terms: dict[str, NDArray[np.float64]]


def rate(plans: Sequence[Plan], catalogue: Catalogue, calibration: Calibration) -> Outcomes:
    """Draw the ratings of a block of users. A user's ratings do not depend on the block."""
    lengths = np.array([p.movies.size for p in plans])
    terms = {
        term: calibration.scaled(term, np.concatenate([p.terms[term] for p in plans]))
        for term in FIXED_TERMS
    }
    uniform = np.concatenate([p.uniform for p in plans])
    movies = np.concatenate([p.movies for p in plans])
    seconds = np.concatenate([p.seconds for p in plans])
    fixed = calibration.base + np.sum(list(terms.values()), axis=0)
    steps = _Steps(lengths)
    probability, interest = _step_through_time(
        steps, movies, seconds, fixed, uniform, catalogue, calibration
    )
    satisfaction = satisfied(probability, uniform)
    return Outcomes(
        user_id=np.repeat([p.user_id for p in plans], lengths),
        movie_id=movies + 1,
        seconds=seconds,
        rating=_STARS[np.searchsorted(calibration.cuts, satisfaction, side="left")],
        probability=probability,
        satisfaction=satisfaction,
        terms=terms | {"recent_interest": interest},
    )


class _Steps:
    """Positions of every user's k-th rating in arrays that hold a block's ratings user by user.

    Users are ordered by their number of ratings, largest first, so that those who still rate at a
    step come first.
    """

    def __init__(self, lengths: NDArray[np.int64]) -> None:
        order = np.argsort(-lengths, kind="stable")
        self._starts = (np.cumsum(lengths) - lengths)[order]
        done = np.searchsorted(np.sort(lengths), np.arange(lengths.max()), side="right")
        self._left = lengths.size - done
        self.users = lengths.size

    def __len__(self) -> int:
        return self._left.size

    def __getitem__(self, step: int) -> NDArray[np.int64]:
        return self._starts[: self._left[step]] + step


def _step_through_time(
    steps: _Steps,
    movies: NDArray[np.int64],
    seconds: NDArray[np.int64],
    fixed: NDArray[np.float64],
    uniform: NDArray[np.float64],
    catalogue: Catalogue,
    calibration: Calibration,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Probability and recent interest (in log-odds) of every rating.

    `fixed` is the sum of the base and the fixed terms.
    """
    probability, interest = np.empty_like(fixed), np.empty_like(fixed)
    # A rating sees what was liked in earlier seconds: `liked` is copied when the second ends.
    liked = np.full((steps.users, HISTORY_LENGTH), catalogue.size)
    visible = liked.copy()
    for step in range(len(steps)):
        at = steps[step]
        users = at.size
        if step:
            later = seconds[at] > seconds[at - 1]
            np.copyto(visible[:users], liked[:users], where=later[:, None])
        raw = recent_interest(movies[at], visible[:users], catalogue)
        interest[at] = calibration.scaled("recent_interest", raw)
        probability[at] = 1 / (1 + np.exp(-(fixed[at] + interest[at])))
        positive = np.flatnonzero(satisfied(probability[at], uniform[at]) > 0)
        liked[positive, :-1] = liked[positive, 1:]
        liked[positive, -1] = movies[at][positive]
    return probability, interest


def recent_interest(
    candidates: NDArray[np.int64], liked: NDArray[np.int64], catalogue: Catalogue
) -> NDArray[np.float64]:
    """How much more candidates resemble the last liked movies than other movies, not yet scaled.

    Args:
        candidates: (n,), rows of the catalogue.
        liked: (n, 5), rows of the catalogue; catalogue.size represents none.
        catalogue: the movies.

    Returns:
        (n,).
    """
    bits = catalogue.genre_bits
    alike = likeness(bits[candidates][:, None], bits[liked])
    surplus = alike - catalogue.expected_likeness[candidates][:, None]
    interest: NDArray[np.float64] = np.where(liked < catalogue.size, surplus, 0.0).sum(axis=1)
    return interest / HISTORY_LENGTH


def satisfied(
    probability: NDArray[np.float64], uniform: NDArray[np.float64]
) -> NDArray[np.float64]:
    """log-odds(probability) plus logistic noise: above zero if uniform < probability.

    This is the latent variable of ordinal regression (McCullagh 1980): the odds that it is above
    any cut, not only zero, are proportional to those of a positive rating.
    """
    positive = np.maximum(uniform, np.finfo(float).tiny)
    log_odds: NDArray[np.float64] = np.log(probability / (1 - probability))
    noise: NDArray[np.float64] = np.log(positive / (1 - uniform))
    return log_odds - noise


def fit_cuts(satisfaction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cuts, (9,), that give positive and negative ratings MovieLens' shares of stars."""
    below, above = satisfaction[satisfaction <= 0], satisfaction[satisfaction > 0]
    return np.concatenate([_cut(below, _NEGATIVE_STARS), [0.0], _cut(above, _POSITIVE_STARS)])


def _cut(values: NDArray[np.float64], shares: dict[float, float]) -> NDArray[np.float64]:
    below = np.cumsum(list(shares.values())) / sum(shares.values())
    return np.quantile(values, below[:-1])
