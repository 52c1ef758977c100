"""Features against a direct transcription of their definitions, pixel by pixel."""

import cmath
import colorsys
import math

import numpy as np
import pytest

from mmdin.inputs import POSTER_FEATURES
from mmdin.posters import features
from mmdin.posters.features import circular_statistics, compute_features, spatial_frequency

NO_HUE = {"hue_mean", "hue_stddev"}


def mean_and_deviation(values: list[float]) -> tuple[float, float]:
    mean = math.fsum(values) / len(values)
    return mean, math.sqrt(math.fsum((v - mean) ** 2 for v in values) / len(values))


def transcribed(image: np.ndarray) -> dict[str, float]:
    pixels = [tuple(int(level) / 255 for level in pixel) for row in image for pixel in row]
    hsv = [colorsys.rgb_to_hsv(*pixel) for pixel in pixels]
    channels = {
        "red": [p[0] for p in pixels],
        "green": [p[1] for p in pixels],
        "blue": [p[2] for p in pixels],
        "brightness": [v for _, _, v in hsv],
        "saturation": [s for _, s, _ in hsv],
        "chroma": [max(p) - min(p) for p in pixels],
    }
    expected = {"spatial_frequency": transcribed_spatial_frequency(image)}
    for name, values in channels.items():
        expected[f"{name}_mean"], expected[f"{name}_stddev"] = mean_and_deviation(values)
    hues = [h for (h, s, _) in hsv if s > 0]
    resultant = sum(cmath.exp(2j * math.pi * h) for h in hues) / max(len(hues), 1)
    if hues:
        expected["hue_mean"] = cmath.phase(resultant) / (2 * math.pi) % 1
        expected["hue_stddev"] = math.sqrt(-2 * math.log(abs(resultant))) / (2 * math.pi)
    return expected


def transcribed_spatial_frequency(image: np.ndarray) -> float:
    rows, columns, _ = image.shape
    f = [[(0.299 * r + 0.587 * g + 0.114 * b) / 255 for r, g, b in row] for row in image.tolist()]
    inner = [(i, j) for i in range(rows - 1) for j in range(columns - 1)]
    rf2 = sum((f[i][j] - f[i][j + 1]) ** 2 for i, j in inner) / (rows * columns)
    cf2 = sum((f[i][j] - f[i + 1][j]) ** 2 for i, j in inner) / (rows * columns)
    return math.sqrt(rf2 + cf2)


def random_image(rows: int, columns: int, seed: int = 1, levels: int = 256) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(0, levels, (rows, columns, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "image",
    [
        random_image(13, 7),
        random_image(30, 20, seed=2),
        random_image(9, 9, seed=3, levels=3),
        random_image(1, 8, seed=4),
        random_image(8, 1, seed=5),
        random_image(1, 1, seed=6),
    ],
    ids=lambda image: f"{image.shape[0]}x{image.shape[1]}",
)
def test_features_are_those_of_a_loop_over_pixels(image: np.ndarray) -> None:
    computed = compute_features(image)
    assert list(computed) == list(POSTER_FEATURES)
    assert computed == pytest.approx(transcribed(image), abs=1e-9)


def test_features_do_not_depend_on_the_block_size(monkeypatch: pytest.MonkeyPatch) -> None:
    image = random_image(23, 17)
    in_one_block = compute_features(image)
    monkeypatch.setattr(features, "_BLOCK_PIXELS", 40)
    assert compute_features(image) == pytest.approx(in_one_block, abs=1e-12)


def test_the_largest_sums_do_not_overflow() -> None:
    white = np.full((300, 300, 3), 255, dtype=np.uint8)
    computed = compute_features(white)
    assert (computed["red_mean"], computed["red_stddev"]) == (1.0, 0.0)
    assert (computed["brightness_mean"], computed["saturation_mean"]) == (1.0, 0.0)


@pytest.mark.parametrize("level", [0, 1, 128, 255])
def test_grey_image_has_no_hue(level: int) -> None:
    computed = compute_features(np.full((4, 5, 3), level, dtype=np.uint8))
    assert {name for name, value in computed.items() if math.isnan(value)} == NO_HUE
    deviations = {name for name in computed if name.endswith("stddev")} - NO_HUE
    assert {computed[name] for name in deviations} == {0.0}


@pytest.mark.parametrize(
    ("colour", "turns"),
    [
        ((255, 0, 0), 0),
        ((255, 255, 0), 1 / 6),
        ((0, 255, 0), 1 / 3),
        ((0, 0, 9), 2 / 3),
        ((9, 0, 9), 5 / 6),
    ],
)
def test_plain_colour_has_its_hue_and_no_deviation(colour: tuple[int, ...], turns: float) -> None:
    computed = compute_features(np.full((3, 3, 3), colour, dtype=np.uint8))
    assert computed["hue_mean"] == pytest.approx(turns, abs=1e-12)
    deviations = [value for name, value in computed.items() if name.endswith("stddev")]
    assert deviations == pytest.approx([0] * 7, abs=1e-7)


def test_hues_average_around_red() -> None:
    image = np.array([[[255, 0, 40], [255, 40, 0]]], dtype=np.uint8)
    mean = compute_features(image)["hue_mean"]
    assert min(mean, 1 - mean) == pytest.approx(0, abs=1e-12)


def test_opposite_hues_have_no_mean_and_the_largest_deviation() -> None:
    image = np.array([[[255, 0, 0], [0, 255, 255]]], dtype=np.uint8)
    computed = compute_features(image)
    assert math.isnan(computed["hue_mean"])
    assert computed["hue_stddev"] == 1.0


@pytest.mark.parametrize("angle", [-1e-18, 0.0, 1e-18])
def test_circular_mean_is_below_one(angle: float) -> None:
    mean, _ = circular_statistics(complex(1, angle), 1)
    assert 0 <= mean < 1


def test_spatial_frequency_of_a_chessboard() -> None:
    board = (np.indices((4, 6)).sum(axis=0) % 2 * 255).astype(np.uint8)
    image = np.repeat(board[..., None], 3, axis=2)
    assert spatial_frequency(image) == pytest.approx(math.sqrt(2 * 3 * 5 / (4 * 6)))


@pytest.mark.parametrize("shape", [(0, 3, 3), (2, 2), (2, 2, 4)])
def test_arrays_that_are_not_images_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="rows, columns, 3"):
        compute_features(np.zeros(shape, dtype=np.uint8))
