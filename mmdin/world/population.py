"""The world's users: how many ratings they give, in which period, and what they like."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmdin.config import World
from mmdin.world.catalogue import GENRES, Catalogue
from mmdin.world.seeds import POPULATION, stream

FIRST_MOMENT = 820_454_400
"""1996-01-01, seconds since 1970."""
LAST_MOMENT = 1_448_928_000
"""2015-12-01, seconds since 1970; the last session may end a little later."""

FEWEST_RATINGS = 20
"""MovieLens lists users with at least this many ratings."""

_YEAR = 31_557_600
_LARGEST_SHARE = 0.6
"""Largest share of the released movies that one user rates: choosing among them shows taste."""

POSTER_TYPES = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
"""(types, looks): users' types of poster taste. They sum to zero, so no look is liked by all."""


@dataclass(frozen=True)
class Population:
    """U users; row i is user_id i + 1.

    Attributes:
        ratings: (U,), how many each user gives.
        first: (U,), start of the first session, in seconds since 1970.
        last: (U,), start of the last session, in seconds since 1970.
    """

    ratings: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]

    def activity(self, user_id: int) -> tuple[int, int, int]:
        """Number of the user's ratings, and the starts of the first and last session."""
        row = user_id - 1
        return int(self.ratings[row]), int(self.first[row]), int(self.last[row])


@dataclass(frozen=True)
class Taste:
    """What one user likes, standard normal before scaling.

    Attributes:
        mean: over all movies.
        genres: (18,).
        looks: (3,).
    """

    mean: float
    genres: NDArray[np.float64]
    looks: NDArray[np.float64]


def draw_population(world: World, catalogue: Catalogue, seed: int) -> Population:
    """Draw the users' activity: log-normal above 20 ratings, about world.ratings in total."""
    rng = stream(seed, POPULATION)
    # Most come early and stay long, so that most of the last ratings are by known users.
    arrival, stay = rng.beta(1.0, 1.6, world.users), rng.beta(3.0, 1.0, world.users)
    first = FIRST_MOMENT + (arrival * (LAST_MOMENT - _YEAR - FIRST_MOMENT)).astype(np.int64)
    last = first + (stay * (LAST_MOMENT - first)).astype(np.int64)
    released = np.searchsorted(np.sort(catalogue.released_at), last, side="right")
    most = np.maximum(_LARGEST_SHARE * released, FEWEST_RATINGS)
    eagerness = rng.lognormal(0.0, 1.5, world.users)
    return Population(_distribute(world.ratings, eagerness, most), first, last)


def _distribute(
    total: int, eagerness: NDArray[np.float64], most: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Ratings per user, 20 plus a part in proportion to eagerness, about `total` in sum."""
    low, high = 0.0, float(total)
    for _ in range(60):
        middle = (low + high) / 2
        ratings = np.minimum(FEWEST_RATINGS + middle * eagerness, most).astype(np.int64)
        low, high = (middle, high) if ratings.sum() < total else (low, middle)
    return ratings


def draw_taste(rng: np.random.Generator) -> Taste:
    """Draw one user's taste."""
    kind = POSTER_TYPES[rng.integers(len(POSTER_TYPES))]
    return Taste(
        mean=rng.standard_normal(),
        genres=rng.standard_normal(len(GENRES)),
        looks=kind + 0.25 * rng.standard_normal(kind.size),
    )
