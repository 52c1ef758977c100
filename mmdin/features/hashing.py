"""Chance that falls the same way on every run: a seeded hash in place of a random number."""

from pyspark.sql import Column
from pyspark.sql import functions as F

_STEPS = 2**53  # as many numbers in [0, 1) as a double tells apart, evenly spaced


def hashed_order(seed: int, purpose: str) -> Column:
    """A number (long) for each rating, by its user_id and movie_id, in an order without meaning.

    Different seeds and different purposes give independent numbers.
    """
    return F.xxhash64(F.lit(seed), F.lit(purpose), "user_id", "movie_id")


def hashed_share(seed: int, purpose: str) -> Column:
    """The same as a number (double) spread evenly over [0, 1)."""
    return F.pmod(hashed_order(seed, purpose), F.lit(_STEPS)) / F.lit(_STEPS)
