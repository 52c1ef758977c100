"""Invented posters with given saturation, brightness and sharpness.

The only module that draws.
"""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WIDTH, HEIGHT = 185, 278
"""Pixels of a poster as TMDB serves it (w185)."""

Pixels = NDArray[np.float32]

_QUALITY = 85
_ROWS, _COLUMNS = (np.mgrid[0:HEIGHT, 0:WIDTH] / HEIGHT).astype(np.float32)
_LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def draw_poster(
    saturation: float, brightness: float, spatial_frequency: float, seed: tuple[int, ...]
) -> bytes:
    """Draw a poster of 185 x 278 pixels and encode it as JPEG.

    Measures of the poster follow the arguments closely and in the same order. The same arguments
    give the same bytes.

    Args:
        saturation: mean over pixels of the HSV channel, best within 0.15..0.85.
        brightness: mean over pixels of the HSV value, best within 0.25..0.75.
        spatial_frequency: sqrt(RF^2 + CF^2) of the luminance in 0..1, best within 0.03..0.2.
        seed: of everything else.

    Returns:
        The JPEG file's content.
    """
    rng = np.random.default_rng(seed)
    shapes, hue = _draw_shapes(rng), _draw_hue(rng)
    saturations = _spread(shapes, saturation, 0.12)
    values = _spread(_draw_shading(shapes, rng), brightness, 0.10)
    picture = _hsv_to_rgb(hue, saturations, values)
    picture = _sharpen(picture, _draw_texture(rng), spatial_frequency)
    encoded = io.BytesIO()
    pixels = np.round(picture * 255).astype(np.uint8)
    Image.fromarray(pixels).save(encoded, "JPEG", quality=_QUALITY)
    return encoded.getvalue()


def _draw_shapes(rng: np.random.Generator) -> Pixels:
    """A sun, a few hills and a title, as one field of levels: (HEIGHT, WIDTH)."""
    field = np.zeros((HEIGHT, WIDTH), dtype=np.float32)
    middle = _COLUMNS.max() / 2
    row, column = rng.uniform(0.15, 0.4), middle + rng.uniform(-0.15, 0.15)
    radius = rng.uniform(0.08, 0.2)
    field[np.hypot(_ROWS - row, _COLUMNS - column) < radius] = 1.0
    for level in range(1, rng.integers(2, 5)):
        top = rng.uniform(0.5, 0.7) + 0.05 * level
        waves = 0.06 * np.sin(_COLUMNS * rng.uniform(4, 12) + rng.uniform(0, 6.3))
        field[top + waves < _ROWS] = -0.5 * level
    for line in range(rng.integers(1, 3)):
        half_width = rng.uniform(0.1, 0.28)
        top = 0.86 + 0.06 * line
        title = (np.abs(_COLUMNS - middle) < half_width) & (top < _ROWS) & (top + 0.035 > _ROWS)
        letters = np.sin(_COLUMNS * 140) > -0.6
        field[title & letters] = 1.5
    return field


def _draw_hue(rng: np.random.Generator) -> Pixels:
    """A slanted gradient between two near hues, in turns: (HEIGHT, WIDTH)."""
    slant = rng.uniform(-1, 1)
    hue: Pixels = (rng.random() + rng.uniform(-0.25, 0.25) * (_ROWS + slant * _COLUMNS)) % 1.0
    return hue


def _draw_shading(shapes: Pixels, rng: np.random.Generator) -> Pixels:
    sign = rng.choice([-1.0, 1.0])
    shading: Pixels = shapes + sign * (2.0 * _ROWS + rng.uniform(-1, 1) * _COLUMNS)
    return shading


def _spread(field: Pixels, mean: float, deviation: float) -> Pixels:
    """The field with exactly this mean, and at most this deviation, so that it stays in 0..1."""
    centred = field - field.mean()
    reach = 0.95 * min(mean, 1 - mean) / np.abs(centred).max()
    levels: Pixels = mean + centred * min(deviation / centred.std(), reach)
    return levels


def _draw_texture(rng: np.random.Generator) -> Pixels:
    """Grain and fine stripes with mean 0, mostly within -1..1: (HEIGHT, WIDTH)."""
    stripes = np.sin(2 * np.pi * (_ROWS * rng.uniform(30, 60) + _COLUMNS * rng.uniform(-60, 60)))
    texture: Pixels = 0.6 * stripes + (2 * rng.random((HEIGHT, WIDTH), dtype=np.float32) - 1)
    texture -= texture.mean()
    return texture


def _sharpen(picture: Pixels, texture: Pixels, spatial_frequency: float) -> Pixels:
    """Lay the texture over the picture, with the strength that gives the spatial frequency.

    Multiplying by 1 + strength * texture scales R, G and B alike, so hue and saturation stay the
    same. The squared frequency is a quadratic polynomial of the strength; this solves it.
    """
    plain = picture @ _LUMINANCE
    textured = plain * texture
    a = _product_of_differences(textured, textured)
    b = 2 * _product_of_differences(plain, textured)
    c = _product_of_differences(plain, plain) - spatial_frequency**2
    strength = (-b + np.sqrt(max(b * b - 4 * a * c, 0.0))) / (2 * a)
    sharpened: Pixels = np.clip(picture * (1 + max(strength, 0.0) * texture[..., None]), 0.0, 1.0)
    return sharpened


def _product_of_differences(one: Pixels, other: Pixels) -> float:
    return sum(
        float((np.diff(one, axis=axis) * np.diff(other, axis=axis)).sum()) / one.size
        for axis in (0, 1)
    )


def _hsv_to_rgb(hue: Pixels, saturation: Pixels, value: Pixels) -> Pixels:
    """(HEIGHT, WIDTH, 3) in 0..1 from hue in turns, saturation and value in 0..1."""
    k = np.array([5.0, 3.0, 1.0], dtype=np.float32) + 6 * hue[..., None]
    k -= 6 * (k >= 6)
    reach = np.clip(np.minimum(k, 4 - k), 0, 1)
    rgb: Pixels = value[..., None] * (1 - saturation[..., None] * reach)
    return rgb
