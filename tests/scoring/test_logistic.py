"""Logistic regression on one number, against scikit-learn."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from mmdin.scoring.logistic import fit_line, fit_plane


@pytest.mark.parametrize("seed", range(5))
def test_line_is_scikit_learns(seed: int) -> None:
    generator = np.random.default_rng(seed)
    numbers = generator.normal(3.5, 0.4, 500)
    odds = generator.normal() + 3 * generator.normal() * (numbers - 3.5)
    labels = (generator.random(500) < 1 / (1 + np.exp(-odds))).astype(int)
    weights = generator.integers(1, 9, 500)
    reference = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000, solver="newton-cholesky")
    reference.fit(numbers[:, None], labels, sample_weight=weights)
    line = fit_line(numbers, labels, weights)
    expected = reference.predict_proba(numbers[:, None])[:, 1]
    probabilities = 1 / (1 + np.exp(-(line.intercept + line.slope * numbers)))
    np.testing.assert_allclose(probabilities, expected, atol=1e-6)
    assert line.slope == pytest.approx(reference.coef_[0, 0], abs=1e-6)


def test_equal_numbers_have_no_slope() -> None:
    line = fit_line(np.full(4, 3.0), np.array([0, 1, 1, 1]), np.ones(4))
    assert line == (pytest.approx(np.log(3)), 0.0)


def test_separated_labels_have_a_large_finite_slope() -> None:
    line = fit_line(np.array([1.0, 2.0, 4.0, 5.0]), np.array([0, 0, 1, 1]), np.ones(4))
    assert 5 < line.slope < np.inf
    assert np.isfinite(line.intercept)


@pytest.mark.parametrize("seed", range(3))
def test_plane_is_scikit_learns_on_standardised_numbers(seed: int) -> None:
    generator = np.random.default_rng(seed)
    numbers = generator.normal([[1], [0], [-2]], [[0.5], [2], [1]], (3, 400))
    numbers[2] = numbers[1] + generator.normal(0, 0.01, 400)  # tells nearly the same
    labels = (generator.random(400) < 1 / (1 + np.exp(-numbers[0] - numbers[1]))).astype(float)
    standardised = (numbers - numbers.mean(1)[:, None]) / numbers.std(1)[:, None]
    reference = LogisticRegression(C=1.0, tol=1e-12, max_iter=10_000, solver="newton-cholesky")
    reference.fit(standardised.T, labels)
    plane = fit_plane(numbers, labels)
    odds = plane.intercept + np.array(plane.slopes) @ numbers
    expected = reference.predict_proba(standardised.T)[:, 1]
    np.testing.assert_allclose(1 / (1 + np.exp(-odds)), expected, atol=1e-6)


def test_a_number_that_is_always_the_same_has_no_slope_in_a_plane() -> None:
    labels = np.array([0.0, 1, 1, 0, 1])
    varying = np.array([0.1, 0.9, 0.4, 0.5, 0.7])
    alone = fit_plane(varying[None], labels)
    with_constant = fit_plane(np.stack([np.full(5, 3.0), varying]), labels)
    assert with_constant.slopes == pytest.approx((0.0, *alone.slopes))
    assert with_constant.intercept == pytest.approx(alone.intercept)
