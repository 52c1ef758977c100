"""What a user rates and when, before the ratings themselves are drawn."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmdin.world.catalogue import Catalogue
from mmdin.world.population import Population, Taste, draw_taste
from mmdin.world.seeds import USER, stream

FIXED_TERMS = ("movie_quality", "user_mean", "genre_taste", "poster_taste")
"""Terms of the log-odds that do not depend on earlier ratings."""

_RATINGS_PER_SESSION = 12
_SAME_SECOND = 0.165
"""Probability that a rating has the same second as the one before, as if one page sent both."""
_SECONDS_BETWEEN = 15.0

_CHOICE_BY_GENRES = 0.6
_CHOICE_BY_LOOKS = 0.8
"""Weights of taste in the choice of movies, in log-odds."""


@dataclass(frozen=True)
class Plan:
    """The n ratings that one user will give, in order of time and, within a second, of movie_id.

    Attributes:
        user_id: of the user.
        movies: (n,), rows of the catalogue.
        seconds: (n,), since 1970.
        terms: the fixed terms by name, each (n,), not yet scaled.
        uniform: (n,), uniform in [0, 1); decides whether a rating is positive.
    """

    user_id: int
    movies: NDArray[np.int64]
    seconds: NDArray[np.int64]
    terms: dict[str, NDArray[np.float64]]
    uniform: NDArray[np.float64]


def draw_plan(user_id: int, population: Population, catalogue: Catalogue, seed: int) -> Plan:
    """Draw a user's taste, choice of movies and times, from the user's own random stream."""
    rng = stream(seed, USER, user_id)
    taste = draw_taste(rng)
    count, first, last = population.activity(user_id)
    by_genres = catalogue.genre_shares @ taste.genres
    by_looks = catalogue.looks @ taste.looks
    log_odds = (
        catalogue.log_popularity + _CHOICE_BY_GENRES * by_genres + _CHOICE_BY_LOOKS * by_looks
    )
    movies = _choose(log_odds, catalogue.released_at <= last, count, rng)
    seconds = _draw_seconds(catalogue.released_at[movies], first, last, rng)
    order = np.lexsort((movies, seconds))
    movies, seconds = movies[order], seconds[order]
    terms = _fixed_terms(taste, catalogue.quality[movies], by_genres[movies], by_looks[movies])
    return Plan(user_id, movies, seconds, terms, rng.random(count))


def _choose(
    log_odds: NDArray[np.float64], released: NDArray[np.bool_], count: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Rows of `count` different released movies, drawn in proportion to exp(log_odds), shuffled."""
    keys = np.log(rng.standard_exponential(log_odds.size)) - log_odds
    keys[~released] = np.inf
    # Sorted, because the order of a partition depends on the processor and on NumPy's version.
    return rng.permutation(np.sort(np.argpartition(keys, count - 1)[:count]))


def _draw_seconds(
    released_at: NDArray[np.int64], first: int, last: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """When each movie is rated, in seconds: in one of the user's sessions after its release."""
    count = released_at.size
    between = rng.integers(first, last + 1, rng.poisson(count / _RATINGS_PER_SESSION))
    sessions = np.sort(np.concatenate(([first, last], between)))
    earliest = np.searchsorted(sessions, released_at)
    session = earliest + (rng.random(count) * (sessions.size - earliest)).astype(np.int64)
    order = np.argsort(session, kind="stable")
    opens = np.diff(session[order], prepend=-1) > 0
    gaps = 1 + rng.exponential(_SECONDS_BETWEEN, count).astype(np.int64)
    clock = np.cumsum(np.where(rng.random(count) < _SAME_SECOND, 0, gaps))
    since_opening = clock - np.maximum.accumulate(np.where(opens, clock, 0))
    seconds = np.empty(count, dtype=np.int64)
    seconds[order] = sessions[session[order]] + since_opening
    return seconds


def _fixed_terms(
    taste: Taste,
    quality: NDArray[np.float64],
    by_genres: NDArray[np.float64],
    by_looks: NDArray[np.float64],
) -> dict[str, NDArray[np.float64]]:
    mean = np.full(quality.size, taste.mean)
    return dict(zip(FIXED_TERMS, (quality, mean, by_genres, by_looks), strict=True))
