"""Measures of drawn posters."""

import io

import numpy as np
import pytest
from PIL import Image

from mmdin.world.posters import draw_poster

MEASURES = ("saturation", "brightness", "spatial_frequency")


def _measure(image: bytes) -> tuple[float, float, float]:
    """Mean saturation, mean brightness and spatial frequency, from their definitions."""
    rgb = np.asarray(Image.open(io.BytesIO(image)), dtype=float) / 255
    high, low = rgb.max(axis=2), rgb.min(axis=2)
    saturation = (high - low) / np.where(high > 0, high, 1)
    luminance = rgb @ [0.299, 0.587, 0.114]
    squares = sum((np.diff(luminance, axis=a) ** 2).sum() for a in (0, 1)) / luminance.size
    return saturation.mean(), high.mean(), np.sqrt(squares)


@pytest.fixture(scope="module")
def wanted_and_measured():
    rng = np.random.default_rng(0)
    wanted = rng.uniform([0.15, 0.25, 0.03], [0.85, 0.75, 0.20], (120, 3))
    return wanted, np.array([_measure(draw_poster(*w, (1, i))) for i, w in enumerate(wanted)])


@pytest.mark.parametrize("measure", MEASURES)
def test_each_measure_follows_its_argument(wanted_and_measured, measure):
    column = MEASURES.index(measure)
    wanted, measured = (values[:, column] for values in wanted_and_measured)
    assert np.corrcoef(wanted, measured)[0, 1] > 0.99
    ranks = wanted.argsort().argsort(), measured.argsort().argsort()
    assert np.corrcoef(*ranks)[0, 1] > 0.99


def test_measures_do_not_affect_each_other(wanted_and_measured):
    wanted, measured = wanted_and_measured
    errors = measured - wanted
    assert np.abs(errors).max(axis=0) == pytest.approx([0, 0, 0], abs=0.07)


def test_the_same_arguments_give_the_same_bytes():
    assert draw_poster(0.5, 0.5, 0.1, (1, 2)) == draw_poster(0.5, 0.5, 0.1, (1, 2))
    assert draw_poster(0.5, 0.5, 0.1, (1, 2)) != draw_poster(0.5, 0.5, 0.1, (1, 3))


@pytest.mark.parametrize("extreme", [(0.0, 0.05, 0.0), (1.0, 1.0, 0.5), (0.0, 1.0, 0.0)])
def test_extreme_arguments_can_be_drawn(extreme):
    assert np.isfinite(_measure(draw_poster(*extreme, (1, 1)))).all()
