"""The world's users: how much they rate, from when to when, and what they like."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmdin.config import World
from mmdin.world.catalogue import GENRES, Catalogue
from mmdin.world.seeds import POPULATION, stream

FIRST_MOMENT = 820_454_400
"""1996-01-01, seconds since 1970."""
LAST_MOMENT = 1_448_928_000
"""2015-12-01; the last session may run on a little."""

FEWEST_RATINGS = 20
"""MovieLens lists users from so many ratings on."""

_YEAR = 31_557_600
_LARGEST_SHARE = 0.6
"""Share of the movies out that the busiest users rate; who rates everything shows no taste."""

POSTER_TYPES = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
"""(types, looks): users' kinds of poster taste. They cancel out, so no look is liked by all."""


@dataclass(frozen=True)
class Population:
    """U users; row i is user_id i + 1.

    ratings: (U,) int64, how many each gives. first, last: (U,) int64, seconds since 1970 of the
    first and last session.
    """

    ratings: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]

    def activity(self, user_id: int) -> tuple[int, int, int]:
        """How many ratings the user gives, and the seconds of the first and last session."""
        row = user_id - 1
        return int(self.ratings[row]), int(self.first[row]), int(self.last[row])


@dataclass(frozen=True)
class Taste:
    """What one user likes, standard normal before scaling: mean; genres (18,); looks (3,)."""

    mean: float
    genres: NDArray[np.float64]
    looks: NDArray[np.float64]


def draw_population(world: World, catalogue: Catalogue, seed: int) -> Population:
    """Draw the users' activity, log-normal above 20 ratings and about world.ratings in all."""
    rng = stream(seed, POPULATION)
    # Most come early and stay long, so that whoever rates last is mostly known from before.
    comes, stays = rng.beta(1.0, 1.6, world.users), rng.beta(3.0, 1.0, world.users)
    first = FIRST_MOMENT + (comes * (LAST_MOMENT - _YEAR - FIRST_MOMENT)).astype(np.int64)
    last = first + (stays * (LAST_MOMENT - first)).astype(np.int64)
    released = np.searchsorted(np.sort(catalogue.released_at), last, side="right")
    most = np.maximum(_LARGEST_SHARE * released, FEWEST_RATINGS)
    eagerness = rng.lognormal(0.0, 1.5, world.users)
    return Population(_share_out(world.ratings, eagerness, most), first, last)


def _share_out(
    total: int, eagerness: NDArray[np.float64], most: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Ratings per user, 20 and more in proportion to eagerness, that add up to about the total."""
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
