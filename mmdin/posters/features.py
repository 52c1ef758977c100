"""Features of a poster: colour statistics and spatial frequency, after arXiv 2110.10205.

Pure NumPy. Images are processed in blocks that fit the processor's cache, so memory is bounded.
Sums are of integers if possible, and hues are looked up in a table: both are more exact and faster
than floating-point arithmetic on every pixel. What can stay in bytes does, because an operation on
bytes handles the most pixels at a time.
"""

import math

import numpy as np
from numpy.typing import NDArray

from mmdin.inputs import POSTER_FEATURES

Image = NDArray[np.uint8]
"""(rows, columns, 3): red, green and blue in 0..255."""

Plane = NDArray[np.uint8]
"""One channel of some pixels, (n,), contiguous."""

_BLOCK_PIXELS = 1 << 16
"""Small enough that a block's sum of squares, at most 65536 * 255**2, fits into 32 bits."""

_LUMA_THOUSANDTHS = np.array([299, 587, 114], dtype=np.float32)
"""Weights of red, green and blue in luma: ITU-R BT.601."""


def compute_features(rgb: Image) -> dict[str, float]:
    """The features of one image.

    Channels are scaled to 0..1 first.

    - red, green, blue, brightness (HSV value: the largest of the three), chroma (largest minus
      smallest) and saturation (chroma / value, 0 for black): mean and population standard
      deviation over pixels.
    - hue (HSV, hexcone, in turns: 0 red, 1/3 green, 2/3 blue): circular mean and deviation over
      the pixels that have a hue, that is chroma > 0; see `circular_statistics`. NaN if none has.
    - spatial_frequency: of the luma; see `spatial_frequency`.

    Args:
        rgb: (rows, columns, 3), uint8.

    Returns:
        Values by the names of mmdin.inputs.POSTER_FEATURES, in their order.

    Raises:
        ValueError: if rgb has another shape or no pixel.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.size == 0:
        raise ValueError(f"an image is (rows, columns, 3) with at least a pixel, not {rgb.shape}")
    colours = _ColourSums()
    pixels = rgb.reshape(-1, 3)
    for start in range(0, len(pixels), _BLOCK_PIXELS):
        colours.add(*_planes(pixels[start : start + _BLOCK_PIXELS]))
    features = {"spatial_frequency": spatial_frequency(rgb)}
    for channel, (mean, deviation) in colours.statistics().items():
        features[f"{channel}_mean"], features[f"{channel}_stddev"] = mean, deviation
    return {name: features[name] for name in POSTER_FEATURES}


def spatial_frequency(rgb: Image) -> float:
    """sqrt(RF^2 + CF^2) of the luma F in 0..1, an image of I rows and J columns (BT.601 weights).

    RF^2 = 1/(IJ) sum over 1 <= i < I, 1 <= j < J of (F[i,j] - F[i,j+1])^2, and CF^2 likewise with
    F[i+1,j] (arXiv 2110.10205, section 3.1). Both sums leave out the last row and the last column,
    as the formula does, so an image of one row or one column gives 0.
    """
    rows, columns, _ = rgb.shape
    height = max(1, _BLOCK_PIXELS // columns)
    squares = 0.0
    for top in range(0, rows - 1, height):
        luma = _luma(rgb[top : top + height + 1])
        here = luma[:-1, :-1]
        for neighbour in (luma[:-1, 1:], luma[1:, :-1]):
            difference = (here - neighbour).astype(np.float64).ravel()
            squares += float(np.einsum("i,i->", difference, difference))
    return math.sqrt(squares / (rows * columns)) / (1000 * 255)


def circular_statistics(vector: complex, count: int) -> tuple[float, float]:
    """Circular mean and circular standard deviation of `count` angles, in turns.

    With R = |vector| / count, the mean is the vector's direction, in [0, 1), and the deviation is
    sqrt(-2 ln R) / 2 pi, but at most 1 (Mardia and Jupp, Directional Statistics, 2000, section
    2.3). If the angles cancel out (R < 1e-9), the mean is NaN and the deviation 1.

    Args:
        vector: sum of the angles' unit vectors.
        count: number of angles.

    Returns:
        Mean and deviation; both NaN for no angles.
    """
    if count == 0:
        return math.nan, math.nan
    length = abs(vector) / count
    if length < 1e-9:
        return math.nan, 1.0
    mean = math.atan2(vector.imag, vector.real) / (2 * math.pi) % 1.0
    deviation = math.sqrt(max(-2 * math.log(length), 0.0)) / (2 * math.pi)
    # For a direction just below 0 the remainder is rounded to exactly 1.
    return (0.0 if mean == 1.0 else mean), min(deviation, 1.0)


class _ColourSums:
    """Sums over an image's pixels that give its colour statistics."""

    def __init__(self) -> None:
        self.pixels = 0
        self.pixels_with_hue = 0
        self.hue_vector = 0j
        self.levels = {name: [0, 0] for name in ("red", "green", "blue", "brightness", "chroma")}
        self.saturation = [0.0, 0.0]
        self.first_saturation: float | None = None

    def add(self, red: Plane, green: Plane, blue: Plane) -> None:
        """Add n <= _BLOCK_PIXELS pixels."""
        value = np.maximum(np.maximum(red, green), blue)
        least = np.minimum(np.minimum(red, green), blue)
        chroma = value - least
        self.pixels += red.size
        self.pixels_with_hue += int(np.count_nonzero(chroma))
        # The three levels are the largest, the least and the one between, in some order.
        between = red ^ green ^ blue ^ value ^ least
        cells = _hue_cells(_order(red, green, blue), chroma, between - least)
        self.hue_vector += complex(_HUE_VECTORS.take(cells, mode="wrap").sum())
        for sums, plane in zip(
            self.levels.values(), (red, green, blue, value, chroma), strict=True
        ):
            wide = plane.astype(np.uint32)
            sums[0] += int(wide.sum(dtype=np.uint32))
            sums[1] += int(np.einsum("i,i->", wide, wide))
        self._add_saturation(value, chroma)

    def _add_saturation(self, value: Plane, chroma: Plane) -> None:
        saturation = np.maximum(value, 1).astype(np.float64)
        np.divide(chroma.astype(np.float64), saturation, out=saturation)
        if self.first_saturation is None:
            self.first_saturation = float(saturation[0])
        # Sums of distances from a value that occurs: nothing cancels, even in a plain image.
        saturation -= self.first_saturation
        self.saturation[0] += float(saturation.sum())
        self.saturation[1] += float(np.einsum("i,i->", saturation, saturation))

    def statistics(self) -> dict[str, tuple[float, float]]:
        """Mean and deviation of each channel in 0..1, and of hue in turns."""
        statistics = {
            name: _mean_and_deviation(self.pixels, *sums) for name, sums in self.levels.items()
        }
        return {
            **{name: (m / 255, d / 255) for name, (m, d) in statistics.items()},
            "saturation": self._saturation_statistics(),
            "hue": circular_statistics(self.hue_vector, self.pixels_with_hue),
        }

    def _saturation_statistics(self) -> tuple[float, float]:
        mean, deviation = _mean_and_deviation(self.pixels, *self.saturation)
        return (self.first_saturation or 0.0) + mean, deviation


def _mean_and_deviation(count: int, total: float, squares: float) -> tuple[float, float]:
    """Mean and population standard deviation; exact until the last division for integers."""
    variance = (count * squares - total * total) / (count * count)
    return total / count, math.sqrt(max(variance, 0.0))


def _planes(pixels: NDArray[np.uint8]) -> list[Plane]:
    """Red, green and blue as contiguous arrays, for vectorised arithmetic."""
    return [np.ascontiguousarray(pixels[..., channel]) for channel in range(3)]


def _luma(rgb: Image) -> NDArray[np.float32]:
    """Luma in thousandths of a level, the whole numbers 0..255000: (rows, columns)."""
    # Exact: whole numbers below 2**24.
    return rgb.astype(np.float32) @ _LUMA_THOUSANDTHS


def _order(red: Plane, green: Plane, blue: Plane) -> Plane:
    """4 if red is at least blue, plus 2 if green is, plus 1 if red is at least green."""
    # By sums, because NumPy shifts bytes one at a time.
    first, second, third = (
        pairs.view(np.uint8) for pairs in (red >= blue, green >= blue, red >= green)
    )
    order: Plane = first + first + second
    order += order
    order += third
    return order


def _hue_cells(order: Plane, chroma: Plane, difference: Plane) -> NDArray[np.int32]:
    """Cells of _HUE_VECTORS."""
    within = chroma.astype(np.uint16)
    within *= 256
    within += difference
    cells = order.astype(np.int32)
    cells *= 1 << 16
    cells += within
    return cells


def _tabulate_hue_vectors() -> NDArray[np.complex128]:
    """Hue as a unit vector, 0 for grey, by (order, chroma, difference), flat: 8 x 256 x 256 cells.

    Hexcone: hue = sector / 3 + difference / (6 chroma) turns. If red is largest, the sector is 0
    and the difference green - blue; if green is, 1 and blue - red; if blue is, 2 and red - green.
    The difference is given without its sign, which the order tells.
    """
    order, chroma, difference = np.ogrid[0:8, 0:256, 0:256]
    red_green, green_blue, red_blue = (order & bit > 0 for bit in (1, 2, 4))
    sector = np.where(red_green & red_blue, 0, np.where(green_blue, 1, 2))
    rises = np.choose(sector, [green_blue, ~red_blue, red_green])
    signed = np.where(rises, difference, -difference)
    turns = sector / 3 + signed / np.maximum(6 * chroma, 1)
    return np.where(chroma > 0, np.exp(2j * np.pi * turns), 0).ravel()


_HUE_VECTORS = _tabulate_hue_vectors()
