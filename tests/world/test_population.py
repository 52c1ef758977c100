"""Users: how many ratings they give, and in which period."""

import numpy as np
import pytest

from mmdin.config import World
from mmdin.world.catalogue import draw_catalogue
from mmdin.world.population import FIRST_MOMENT, LAST_MOMENT, POSTER_TYPES, draw_population


@pytest.mark.parametrize(
    "world",
    [
        World(),
        World(users=100, movies=800, ratings=20_000),
        World(users=1000, movies=100, ratings=20_000),
        World(users=1000, movies=100, ratings=25_000),
        World(users=3000, movies=9000, ratings=500_000),
    ],
)
def test_ratings_add_up_and_nobody_has_fewer_than_twenty(world):
    catalogue = draw_catalogue(world.movies, seed=1)
    population = draw_population(world, catalogue, seed=1)
    assert population.ratings.sum() == pytest.approx(world.ratings, rel=0.01)
    assert population.ratings.min() >= 20
    released = [(catalogue.released_at <= last).sum() for last in population.last]
    assert (population.ratings <= np.array(released)).all()


def test_activity_is_log_normal_like_movielens():
    world = World(users=6000, movies=6000, ratings=1_000_000)
    ratings = draw_population(world, draw_catalogue(6000, seed=1), seed=1).ratings
    lower, median, upper = np.percentile(ratings, [25, 50, 75])
    assert 28 <= lower <= 42
    assert 55 <= median <= 85
    assert 130 <= upper <= 190
    assert ratings.max() > 10 * median


def test_users_come_and_go_between_1996_and_2015(drawn):
    population = drawn.population
    assert (population.first >= FIRST_MOMENT).all()
    assert (population.last <= LAST_MOMENT).all()
    assert (population.first <= population.last).all()


def test_types_of_poster_taste_sum_to_zero():
    np.testing.assert_allclose(POSTER_TYPES.sum(axis=0), 0, atol=1e-12)
