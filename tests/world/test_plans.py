"""Which movies are rated, and when."""

import numpy as np

from mmdin.world.plans import draw_plan
from mmdin.world.population import draw_taste
from mmdin.world.seeds import USER, stream


def test_nobody_rates_a_movie_twice_or_before_its_release(drawn):
    for plan in drawn.plans:
        assert np.unique(plan.movies).size == plan.movies.size
        assert (plan.seconds >= drawn.catalogue.released_at[plan.movies]).all()


def test_ratings_are_in_order_of_time_and_within_a_second_of_movie(drawn):
    for plan in drawn.plans:
        keys = list(zip(plan.seconds.tolist(), plan.movies.tolist(), strict=True))
        assert keys == sorted(keys)


def test_a_quarter_or_more_of_ratings_share_user_and_second(drawn):
    shared = sum(
        counts[counts > 1].sum()
        for counts in (np.unique(p.seconds, return_counts=True)[1] for p in drawn.plans)
    )
    assert 0.25 <= shared / drawn.outcomes.rating.size <= 0.30


def test_rating_years_cover_1996_to_2015(drawn):
    years = drawn.outcomes.seconds.astype("datetime64[s]").astype("datetime64[Y]")
    assert set((years.astype(int) + 1970).tolist()) == set(range(1996, 2016))


def test_a_split_by_time_has_known_users_and_movies_in_most_test_rows(drawn):
    outcomes = drawn.outcomes
    early = outcomes.seconds < np.quantile(outcomes.seconds, 0.7)
    late = outcomes.seconds >= np.quantile(outcomes.seconds, 0.8)
    for ids in (outcomes.user_id, outcomes.movie_id):
        assert np.isin(ids[late], ids[early]).mean() > 0.75


def test_posters_of_rated_movies_reveal_the_taste(drawn):
    tastes, means = [], []
    for plan in drawn.plans:
        tastes.append(draw_taste(stream(drawn.seed, USER, plan.user_id)).looks)
        means.append(drawn.catalogue.looks[plan.movies].mean(axis=0))
    for look in range(3):
        correlation = np.corrcoef(np.array(tastes)[:, look], np.array(means)[:, look])[0, 1]
        assert correlation > 0.7


def test_a_plan_depends_on_the_seed_and_the_user_alone(drawn):
    again = draw_plan(5, drawn.population, drawn.catalogue, drawn.seed)
    np.testing.assert_array_equal(again.movies, drawn.plans[4].movies)
    np.testing.assert_array_equal(again.uniform, drawn.plans[4].uniform)
    other = draw_plan(5, drawn.population, drawn.catalogue, drawn.seed + 1)
    assert not np.array_equal(other.movies, again.movies)


def test_a_plan_does_not_depend_on_how_a_processor_partitions(drawn, monkeypatch):
    def another_order(keys, kth):
        return np.concatenate([np.argsort(keys)[kth::-1], np.argsort(keys)[kth + 1 :]])

    monkeypatch.setattr(np, "argpartition", another_order)
    again = draw_plan(5, drawn.population, drawn.catalogue, drawn.seed)
    np.testing.assert_array_equal(again.movies, drawn.plans[4].movies)
    np.testing.assert_array_equal(again.seconds, drawn.plans[4].seconds)
