"""Similarities of movies: how they are fitted, and that no row reads its rating from them."""

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from mmdin.features.neighbours import (
    PRIOR,
    Similarities,
    list_similarities,
    pack,
    sum_products,
    unpack,
    weigh_rated,
)

USERS, MOVIES = 40, 6
NO_MOVIE = 0


@pytest.fixture(scope="module")
def deviations() -> NDArray[np.float64]:
    """Of users on movies 1 to MOVIES, in multiples of 1 / 256; nan if not rated."""
    generator = np.random.default_rng(1)
    values = np.round(generator.normal(0, 1, (USERS, MOVIES + 1)) * 256) / 256
    values[:, 2] = values[:, 1] + np.round(values[:, 2] * 64) / 256  # movies 1 and 2 are alike
    values[generator.random(values.shape) < 0.3] = np.nan
    values[:, NO_MOVIE] = np.nan
    return values


def batches(deviations: NDArray[np.float64]) -> list[pa.RecordBatch]:
    """As a partition has them: all ratings of a user one after the other, cut anywhere."""
    users, movies = np.nonzero(~np.isnan(deviations))
    columns = {"user_id": users, "movie_index": movies, "deviation": deviations[users, movies]}
    return pa.table(columns).to_batches(max_chunksize=7)


def fit(deviations: NDArray[np.float64]) -> Similarities:
    products, common = sum_products(batches(deviations), MOVIES)
    return Similarities(products.astype(np.float32), common.astype(np.int32))


def test_products_are_summed_over_users_who_rated_both(deviations: NDArray[np.float64]) -> None:
    similarities = fit(deviations)
    for one in range(MOVIES + 1):
        for other in range(MOVIES + 1):
            products = deviations[:, one] * deviations[:, other]
            assert similarities.products[one, other] == np.float32(np.nansum(products))
            assert similarities.common[one, other] == np.sum(~np.isnan(products))


def test_sums_are_the_same_in_any_order_and_any_parts(deviations: NDArray[np.float64]) -> None:
    whole = sum_products(batches(deviations), MOVIES)
    parts = [sum_products(batches(part), MOVIES) for part in (deviations[25:], deviations[:25])]
    parts.append(sum_products([], MOVIES))
    for n, sums in enumerate(whole):
        assert np.array_equal(sum(part[n] for part in parts), sums)


def test_sums_survive_the_way_to_the_driver(deviations: NDArray[np.float64]) -> None:
    sums = sum_products(batches(deviations), MOVIES)
    packed = pack(*sums).to_pylist()[0]
    for column, expected in zip(("products", "common"), sums, strict=True):
        assert np.array_equal(unpack(packed[column], MOVIES), expected)


def test_similarity_is_the_shrunken_mean_product_over_the_variance(
    deviations: NDArray[np.float64],
) -> None:
    similarities = fit(deviations)
    variance = np.nanmean(deviations**2)
    for one, other in ((1, 2), (3, 4), (4, 5), (5, 6)):
        products = deviations[:, one] * deviations[:, other]
        expected = max(np.nansum(products), 0) / (np.sum(~np.isnan(products)) + PRIOR) / variance
        (found,) = similarities.weights(np.array([one]), np.array([other]), np.array([np.nan]))
        assert found == pytest.approx(expected, rel=1e-6)
    assert similarities.weights(np.array([1]), np.array([2]), np.array([np.nan])) > 0.1


def test_a_row_knows_the_similarities_of_the_other_users(deviations: NDArray[np.float64]) -> None:
    """Taking a user's product out again equals fitting without the user."""
    similarities = fit(deviations)
    for user in range(USERS):
        others = np.delete(deviations, user, axis=0)
        without = fit(others)
        for one, other in ((1, 2), (2, 1), (3, 6)):
            own = deviations[user, one] * deviations[user, other]
            pair = np.array([one]), np.array([other])
            found = similarities.weights(*pair, np.array([own])) * similarities.variance
            expected = without.weights(*pair, np.array([np.nan])) * without.variance
            assert found == pytest.approx(expected, rel=1e-5, abs=1e-7)


def test_no_rating_is_read_from_a_pair_that_one_user_rated() -> None:
    """For each deviation of this user, nothing is left for the row."""
    for deviation in (-2.0, 0.5, 2.0):
        alone = np.array([[np.nan, deviation, 1.0]])
        products, common = sum_products(batches(alone), 2)
        similarities = Similarities(products.astype(np.float32), common.astype(np.int32))
        pair = np.array([1]), np.array([2])
        assert similarities.weights(*pair, np.array([deviation * 1.0])) == 0


def test_movies_without_similarities_weigh_nothing(deviations: NDArray[np.float64]) -> None:
    similarities = fit(deviations)
    movies = np.array([NO_MOVIE, 1, MOVIES + 1, 1])
    others = np.array([1, NO_MOVIE, 1, MOVIES + 5])
    assert not similarities.weights(movies, others, np.full(4, np.nan)).any()


def test_biases_are_weighted_means_of_the_ratings_looked_back_on(
    deviations: NDArray[np.float64],
) -> None:
    similarities = fit(deviations)
    rated = pa.array(
        [
            [rating(2, 1.5, 0.25), rating(3, -1.0, None), rating(NO_MOVIE, 2.0, None)],
            None,
            [],
            [rating(1, -0.5, None)],
        ],
        RATED,
    )
    movies = np.array([1, 1, 2, 2])
    own = np.array([0.5, 0.5, np.nan, np.nan])
    found = weigh_rated(movies, own, np.array([0.25, 0.1, 0.1, -0.5]), rated, similarities)
    alike = similarities.weights(
        np.array([1, 1, 2]), np.array([2, 3, 1]), np.array([0.125, np.nan, np.nan])
    )
    first = (alike[0] * (1.5 - 0.25) + alike[1] * (-1.0 - 0.25)) / (alike[0] + alike[1] + 1)
    assert found == pytest.approx([first, 0, 0, 0])
    assert found[3] == 0  # the rating equals the user's bias


RATED = pa.list_(
    pa.struct(
        [("movie_index", pa.int32()), ("residual", pa.float64()), ("deviation", pa.float64())]
    )
)


def rating(movie: int, residual: float, deviation: float | None) -> dict[str, float | None]:
    return {"movie_index": movie, "residual": residual, "deviation": deviation}


def test_rows_of_the_table_hold_each_pair_once(deviations: NDArray[np.float64]) -> None:
    similarities = fit(deviations)
    rows = pa.Table.from_batches(
        [list_similarities(similarities, movie) for movie in range(MOVIES + 1)]
    ).to_pylist()
    pairs = [(row["movie_index"], row["other_index"]) for row in rows]
    assert pairs == [(i, j) for i in range(1, MOVIES + 1) for j in range(i, MOVIES + 1)]
    for row in rows:
        pair = row["movie_index"], row["other_index"]
        assert row["users"] == similarities.common[pair]
        assert row["products"] == similarities.products[pair]
        one, other = (np.array([index]) for index in pair)
        assert row["similarity"] == similarities.weights(one, other, np.array([np.nan]))
