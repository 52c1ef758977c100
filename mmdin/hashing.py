"""Chance that is the same on every run: a seeded hash of a row's keys, not a random number."""

from pyspark.sql import Column
from pyspark.sql import functions as F

_STEPS = 2**53  # as many evenly spaced numbers in [0, 1) as a double has

RATING = ("user_id", "movie_id")
"""Columns that identify a rating."""


def hashed_order(seed: int, purpose: str, columns: tuple[str, ...] = RATING) -> Column:
    """A number (long) for each row, from its columns alone, in an order without meaning.

    Different seeds and different purposes give independent numbers.
    """
    return F.xxhash64(F.lit(seed), F.lit(purpose), *columns)


def hashed_share(
    seed: int, purpose: str, columns: tuple[str, ...] = RATING, steps: int = _STEPS
) -> Column:
    """The same as a number (double) spread evenly over [0, 1).

    Args:
        seed: of the configuration.
        purpose: name of the choice that the number decides.
        columns: that identify a row.
        steps: how many different numbers there are. Which rows are chosen depends on it.
    """
    return F.pmod(hashed_order(seed, purpose, columns), F.lit(steps)) / F.lit(steps)
