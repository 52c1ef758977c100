"""Probabilities: the terms, their strengths, and the ratings drawn from them."""

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mmdin.config import World
from mmdin.world.catalogue import likeness
from mmdin.world.rating_process import TERMS, rate


def _of_user(drawn, user_id):
    return np.flatnonzero(drawn.outcomes.user_id == user_id)


def _slow_recent_interest(drawn, user_id):
    """The definition taken literally: likeness to the last five liked in earlier seconds."""
    outcomes, catalogue = drawn.outcomes, drawn.catalogue
    bits, calibration = catalogue.genre_bits, drawn.calibration
    rows = sorted(
        (int(outcomes.seconds[i]), int(outcomes.movie_id[i]), float(outcomes.rating[i]))
        for i in _of_user(drawn, user_id)
    )
    interest = {}
    for second, movie_id, _ in rows:
        liked = [m for s, m, stars in rows if s < second and stars >= 3.5][-5:]
        expected = catalogue.expected_likeness[movie_id - 1]
        raw = sum(likeness(bits[movie_id - 1], bits[m - 1]) - expected for m in liked) / 5
        factor = calibration.factor["recent_interest"]
        interest[movie_id] = factor * (raw - calibration.centre["recent_interest"])
    return interest


@pytest.mark.parametrize("user_id", [1, 2, 17, 333])
def test_recent_interest_is_that_of_a_slow_reference(drawn, user_id):
    expected = _slow_recent_interest(drawn, user_id)
    for i in _of_user(drawn, user_id):
        movie_id = int(drawn.outcomes.movie_id[i])
        assert drawn.outcomes.terms["recent_interest"][i] == pytest.approx(expected[movie_id])


def test_log_odds_are_the_base_and_the_terms(drawn):
    outcomes = drawn.outcomes
    log_odds = drawn.calibration.base + sum(outcomes.terms[term] for term in TERMS)
    np.testing.assert_allclose(outcomes.probability, 1 / (1 + np.exp(-log_odds)))


@pytest.mark.parametrize("term", TERMS)
def test_each_term_has_its_strength_no_mean_effect_and_information(drawn, term):
    values = drawn.outcomes.terms[term]
    strength = getattr(drawn.sizes, term)
    assert values.std() == pytest.approx(strength, rel=0.08)
    assert abs(values.mean()) < 0.05
    assert roc_auc_score(drawn.outcomes.rating >= 3.5, values) > 0.55


def test_probabilities_are_calibrated(drawn):
    p, label = drawn.outcomes.probability, drawn.outcomes.rating >= 3.5
    order = np.argsort(p)
    for decile in np.array_split(order, 10):
        error = math.sqrt((p[decile] * (1 - p[decile])).mean() / decile.size)
        assert abs(label[decile].mean() - p[decile].mean()) < 4 * error


def test_best_possible_roc_auc_is_well_above_that_of_the_means(drawn):
    outcomes = drawn.outcomes
    label = outcomes.rating >= 3.5
    best = roc_auc_score(label, outcomes.probability)
    for_everyone = outcomes.terms["movie_quality"] + outcomes.terms["user_mean"]
    assert 0.81 <= best <= 0.85
    assert roc_auc_score(label, for_everyone) < best - 0.1


def test_stars_are_as_common_as_in_movielens(drawn):
    rating = drawn.outcomes.rating
    assert 0.52 <= (rating >= 3.5).mean() <= 0.58
    shares = {0.5: 0.018, 1: 0.039, 1.5: 0.015, 2: 0.075, 2.5: 0.042, 3: 0.219}
    shares |= {3.5: 0.104, 4: 0.27, 4.5: 0.076, 5: 0.14}
    for stars, share in shares.items():
        assert (rating == stars).mean() == pytest.approx(share, rel=0.2)
    assert set(np.unique(rating)) == set(shares)


def test_a_block_of_other_users_changes_nothing(drawn):
    alone = rate(drawn.plans[6:7], drawn.catalogue, drawn.calibration)
    rows = _of_user(drawn, 7)
    np.testing.assert_array_equal(alone.probability, drawn.outcomes.probability[rows])
    np.testing.assert_array_equal(alone.rating, drawn.outcomes.rating[rows])


def test_a_strength_of_zero_removes_the_term(draw):
    strengths = dict.fromkeys(TERMS, 0.0)
    world = draw(World(users=100, movies=800, ratings=20_000, **strengths))
    assert np.ptp(world.outcomes.probability) == 0
    assert world.outcomes.probability[0] == pytest.approx(0.55, abs=1e-3)


def test_stars_follow_the_odds_at_every_cut(drawn):
    """The odds of reaching any cut are proportional to the odds of a positive rating."""
    outcomes = drawn.outcomes
    odds = np.log(outcomes.probability / (1 - outcomes.probability))
    for stars, cut in zip(np.arange(1, 5.5, 0.5), drawn.calibration.cuts, strict=True):
        expected = 1 / (1 + np.exp(cut - odds))
        error = math.sqrt((expected * (1 - expected)).mean() / expected.size)
        assert abs((outcomes.rating >= stars).mean() - expected.mean()) < 4 * error
