"""Weights of ratings by the genres of their movies."""

import numpy as np
import pyarrow as pa

from mmdin.features.tastes import BY_GENRE, weigh_by_genres

DRAMA, WAR, COMEDY = 2, 4, 8


def test_ratings_count_by_the_cosine_of_genres() -> None:
    rated = [(DRAMA, 1.0), (DRAMA | WAR, -0.5), (COMEDY, 3.0), (None, 3.0)]
    weights = [1, 1 / np.sqrt(2), 0, 0]
    expected = (0.75 - 0.75 * weights[1]) / (sum(weights) + 2)
    assert bias(DRAMA, 0.25, rated) == expected


def test_the_latest_ratings_count_alone() -> None:
    latest = [(DRAMA, 1.0)] * BY_GENRE
    assert bias(DRAMA, 0.0, [*latest, (DRAMA, 100.0)]) == bias(DRAMA, 0.0, latest) > 0


def test_nothing_follows_from_no_genres_or_no_ratings() -> None:
    assert bias(0, 0.0, [(DRAMA, 1.0)]) == bias(DRAMA, 0.0, None) == 0


def bias(bits: int, user_bias: float, rated: list[tuple[int | None, float]] | None) -> float:
    """The bias of a row among others."""
    entries = rated and [{"genre_bits": b, "residual": r} for b, r in rated]
    of_rating = pa.struct({"genre_bits": pa.int64(), "residual": pa.float64()})
    lists = pa.array([None, entries, [{"genre_bits": WAR, "residual": 9.0}]], pa.list_(of_rating))
    genres = np.array([DRAMA, bits, WAR])
    return weigh_by_genres(genres, np.array([0.0, user_bias, 0.0]), lists)[1]
