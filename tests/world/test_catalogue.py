"""Movies: genres, years, titles, likeness."""

import math
import re

import numpy as np
import pytest

from mmdin.world.catalogue import GENRES, NO_GENRES, draw_catalogue, likeness


@pytest.fixture(scope="module")
def catalogue():
    return draw_catalogue(3000, seed=1)


def test_movies_have_none_to_five_genres_and_mostly_one_or_two(catalogue):
    counts = np.bincount(catalogue.has_genre.sum(axis=1)) / catalogue.size
    assert counts.size == 6
    assert 0 < counts[0] < 0.05
    assert counts[1] + counts[2] > 0.5


def test_genres_are_spelled_as_in_movielens(catalogue):
    spelled = [catalogue.genres(row) for row in range(catalogue.size)]
    assert NO_GENRES in spelled
    named = {genre for text in spelled if text != NO_GENRES for genre in text.split("|")}
    assert named == set(GENRES)
    assert all(text.split("|") == sorted(text.split("|")) for text in spelled)


def test_release_years_are_mostly_recent_and_in_the_titles(catalogue):
    years = catalogue.release_year
    assert years.min() >= 1920
    assert years.max() <= 2015
    assert np.median(years) > (int(years.min()) + 2015) / 2
    in_titles = [int(re.fullmatch(r".+ \((\d{4})\)", title)[1]) for title in catalogue.titles]
    assert in_titles == years.tolist()
    assert any(", The (" in title for title in catalogue.titles)


def test_popularity_has_a_long_tail(catalogue):
    popularity = np.sort(np.exp(catalogue.log_popularity))[::-1]
    assert popularity[:300].sum() > 0.35 * popularity.sum()


def test_likeness_is_the_fourth_power_of_the_cosine(catalogue):
    bits, has = catalogue.genre_bits, catalogue.has_genre
    for one in range(0, 200, 7):
        for other in range(1, 200, 11):
            norm = math.sqrt(has[one].sum() * has[other].sum())
            cosine = (has[one] & has[other]).sum() / norm if norm else 0.0
            assert likeness(bits[one], bits[other]) == pytest.approx(cosine**4)


def test_expected_likeness_is_the_mean_over_movies_by_popularity(catalogue):
    bits, popularity = catalogue.genre_bits[:-1], np.exp(catalogue.log_popularity)
    for row in (0, 5, 77):
        mean = np.average(likeness(bits[row], bits), weights=popularity)
        assert catalogue.expected_likeness[row] == pytest.approx(mean)
