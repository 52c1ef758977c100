"""From plans to ratings: how probable each rating is to be positive, and what is drawn.

log-odds(rating >= 3.5) = base + movie quality + user mean + genre taste + poster taste
                          + recent interest

Recent interest compares the candidate with each of the last five praised movies:
mean over them of likeness(candidate, praised) - expected likeness of the candidate,
where a missing one counts as zero. It depends on the outcomes before, so the users of a block step
through time together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmdin.inputs import HISTORY_LENGTH
from mmdin.world.catalogue import Catalogue, likeness
from mmdin.world.plans import FIXED_TERMS, Plan

TERMS = (*FIXED_TERMS, "recent_interest")
"""Parts of the log-odds, by the names of their columns in true_probabilities."""

_NEGATIVE_STARS = {0.5: 0.018, 1.0: 0.039, 1.5: 0.015, 2.0: 0.075, 2.5: 0.042, 3.0: 0.219}
_POSITIVE_STARS = {3.5: 0.104, 4.0: 0.27, 4.5: 0.076, 5.0: 0.14}
"""How common each rating is in MovieLens."""

_STARS = np.array([*_NEGATIVE_STARS, *_POSITIVE_STARS])

EVEN_CUTS = np.arange(1.0 - len(_NEGATIVE_STARS), len(_POSITIVE_STARS))
"""Cuts before they are fitted."""


@dataclass(frozen=True)
class Calibration:
    """base: log-odds where every term is zero. centre, factor: of each term, by its name, so that
    factor * (term - centre) has mean zero and the wanted standard deviation over ratings.
    cuts: (9,), the satisfaction in log-odds at which each rating above 0.5 stars begins; 3.5 stars
    begin at zero."""

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

    seconds since 1970; rating in stars; satisfaction and the terms by name, in log-odds.
    """

    user_id: NDArray[np.int64]
    movie_id: NDArray[np.int64]
    seconds: NDArray[np.int64]
    rating: NDArray[np.float64]
    probability: NDArray[np.float64]
    satisfaction: NDArray[np.float64]
    terms: dict[str, NDArray[np.float64]]


def rate(plans: Sequence[Plan], catalogue: Catalogue, calibration: Calibration) -> Outcomes:
    """Let the users of a block rate what they planned to. The block's make-up changes nothing."""
    lengths = np.array([p.movies.size for p in plans])
    terms = {
        term: calibration.scaled(term, np.concatenate([p.terms[term] for p in plans]))
        for term in FIXED_TERMS
    }
    uniform = np.concatenate([p.uniform for p in plans])
    movies = np.concatenate([p.movies for p in plans])
    seconds = np.concatenate([p.seconds for p in plans])
    known = calibration.base + np.sum(list(terms.values()), axis=0)
    steps = _Steps(lengths)
    probability, interest = _step_through_time(
        steps, movies, seconds, known, uniform, catalogue, calibration
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
    """Positions, in arrays of a block's ratings user after user, of everyone's k-th rating.

    Users are taken from the longest to the shortest, so that those left at a step come first.
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
    known: NDArray[np.float64],
    uniform: NDArray[np.float64],
    catalogue: Catalogue,
    calibration: Calibration,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Probability and recent interest (in log-odds) of every rating."""
    probability, interest = np.empty_like(known), np.empty_like(known)
    # A rating sees what was praised in earlier seconds: `praised` is copied when the second ends.
    praised = np.full((steps.users, HISTORY_LENGTH), catalogue.size)
    visible = praised.copy()
    for step in range(len(steps)):
        at = steps[step]
        users = at.size
        if step:
            later = seconds[at] > seconds[at - 1]
            np.copyto(visible[:users], praised[:users], where=later[:, None])
        raw = recent_interest(movies[at], visible[:users], catalogue)
        interest[at] = calibration.scaled("recent_interest", raw)
        probability[at] = 1 / (1 + np.exp(-(known[at] + interest[at])))
        positive = np.flatnonzero(satisfied(probability[at], uniform[at]) > 0)
        praised[positive, :-1] = praised[positive, 1:]
        praised[positive, -1] = movies[at][positive]
    return probability, interest


def recent_interest(
    candidates: NDArray[np.int64], praised: NDArray[np.int64], catalogue: Catalogue
) -> NDArray[np.float64]:
    """(n,), not yet scaled: how much more alike candidates (n,) are to what was praised (n, 5)
    than to movies at large. Both are rows of the catalogue; catalogue.size stands for none."""
    bits = catalogue.genre_bits
    alike = likeness(bits[candidates][:, None], bits[praised])
    surplus = alike - catalogue.expected_likeness[candidates][:, None]
    return np.where(praised < catalogue.size, surplus, 0.0).sum(axis=1) / HISTORY_LENGTH


def satisfied(
    probability: NDArray[np.float64], uniform: NDArray[np.float64]
) -> NDArray[np.float64]:
    """log-odds(probability) plus logistic noise: above zero where uniform < probability.

    The latent variable of ordinal regression (McCullagh 1980): cut anywhere, not only at zero, it
    gives odds that are proportional to those of a positive rating.
    """
    positive = np.maximum(uniform, np.finfo(float).tiny)
    return np.log(probability / (1 - probability)) - np.log(positive / (1 - uniform))


def fit_cuts(satisfaction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cuts (9,) that give positive ratings, and negative ones, the shares of MovieLens."""
    below, above = satisfaction[satisfaction <= 0], satisfaction[satisfaction > 0]
    return np.concatenate([_cut(below, _NEGATIVE_STARS), [0.0], _cut(above, _POSITIVE_STARS)])


def _cut(values: NDArray[np.float64], shares: dict[float, float]) -> NDArray[np.float64]:
    reached = np.cumsum(list(shares.values())) / sum(shares.values())
    return np.quantile(values, reached[:-1])
