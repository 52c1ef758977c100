"""Which movies can be recommended, and which of them each user gets as candidates."""

import numpy as np
import pyarrow as pa
import pytest

from mmdin.config import Recommend
from mmdin.recommendation.candidates import choose_places, open_movies, score_movies
from mmdin.recommendation.catalogue import Catalogue

MOVIES = 30


def catalogue(**changed: object) -> Catalogue:
    generator = np.random.default_rng(2)
    values = {
        "movie_ids": np.arange(MOVIES) * 10,
        "ratings": np.arange(MOVIES) + 1,
        "popularity": generator.integers(0, 9, MOVIES) / 10,
        "is_allowed": np.ones(MOVIES, bool),
        "users": 50,
    }
    return Catalogue(**{**values, **changed})


def slow_choice(
    scores: np.ndarray, is_open: np.ndarray, movies: Catalogue, by_score: int, by_popularity: int
) -> set[int]:
    """One user's candidates, by sorting."""
    left = [int(place) for place in np.flatnonzero(is_open)]
    best = sorted(left, key=lambda place: -scores[place])[:by_score]
    popular = sorted(left, key=lambda place: (-movies.popularity[place], place))[:by_popularity]
    return {*best, *popular}


@pytest.mark.parametrize("counts", [(5, 3), (1, 10), (MOVIES, MOVIES), (500, 1)])
def test_candidates_are_the_best_by_score_and_the_most_popular(counts: tuple[int, int]) -> None:
    generator = np.random.default_rng(3)
    movies = catalogue()
    scores = generator.normal(size=(20, MOVIES))
    is_open = generator.random((20, MOVIES)) < np.linspace(0, 1, 20)[:, None]
    chosen = choose_places(scores, is_open, movies, counts)
    for user in range(20):
        expected = slow_choice(scores[user], is_open[user], movies, *counts)
        assert set(np.flatnonzero(chosen[user])) == expected


def test_rated_and_forbidden_movies_are_closed() -> None:
    is_allowed = np.arange(MOVIES) != 7
    seen = pa.array([[0, 10], [], [290]], pa.list_(pa.int64()))
    is_open = open_movies(seen, catalogue(is_allowed=is_allowed))
    assert [set(np.flatnonzero(~row)) for row in is_open] == [{0, 1, 7}, {7}, {7, 29}]
    assert open_movies(seen.slice(2), catalogue()).sum() == MOVIES - 1


def test_users_without_factors_are_scored_by_popularity() -> None:
    movies = catalogue()
    of_movies = np.random.default_rng(4).normal(size=(MOVIES, 3)).astype(np.float32)
    of_users = pa.array([[1, 0, 0], None, [0, 2, 0]], pa.list_(pa.float32()))
    scores = score_movies(of_users, of_movies, movies)
    np.testing.assert_allclose(scores[0], of_movies[:, 0])
    np.testing.assert_allclose(scores[1], movies.popularity)
    np.testing.assert_allclose(scores[2], 2 * of_movies[:, 1])
    only_new = score_movies(of_users.slice(1, 1), of_movies, movies)
    np.testing.assert_allclose(only_new, [movies.popularity])


@pytest.mark.parametrize(
    "wrong",
    [
        {"release_years": [1999]},
        {"release_years": [1999, 1990]},
        {"top": 60},
        {"network_weight": 1.5},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"release_years|candidates|network_weight"):
        Recommend.model_validate(wrong)
