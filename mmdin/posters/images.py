"""From an image file's bytes to pixels as a viewer shows them; the only module that decodes images.

Files are not trusted: they may be damaged, huge, or not images at all. Only raster formats are
opened; Pillow would pass some others to external programs.
"""

import io
import warnings
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

OK = "ok"
EMPTY = "empty file"
NOT_AN_IMAGE = "not an image"
TRUNCATED = "truncated image"
CORRUPT = "corrupt image"
TOO_MANY_PIXELS = "more pixels than posters.max_pixels"

_PNG = b"\x89PNG\r\n\x1a\n"
_TEXTS = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")

_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF", "JPEG2000", "PPM", "TGA", "ICO")


@dataclass(frozen=True)
class Probe:
    """Whether an image file can be used, and its properties.

    Attributes:
        status: OK, or one of this module's reasons why it cannot be used.
        format: as Pillow names it; None if it is not an image.
        width: in pixels, as a viewer shows the image, or as its header says if it is too large to
            be decoded; None if it cannot be used for another reason.
        height: likewise.
        pixels: those that `decode` gives; None if it cannot be used.
    """

    status: str
    format: str | None = None
    width: int | None = None
    height: int | None = None
    pixels: NDArray[np.uint8] | None = field(default=None, compare=False, repr=False)


def probe(content: bytes, max_pixels: int) -> Probe:
    """Decode an image, and so find out whether it can be used.

    Never raises: any fault of the content becomes the status.

    Args:
        content: of the file.
        max_pixels: images that have more, according to their header, are not decoded.

    Returns:
        Status, properties and pixels.
    """
    if not content:
        return Probe(EMPTY)
    found = _probe(content, max_pixels)
    shorter = without_texts(content) if found.status in (CORRUPT, TRUNCATED) else content
    return found if len(shorter) == len(content) else _probe(shorter, max_pixels)


def _probe(content: bytes, max_pixels: int) -> Probe:
    try:
        image = _open(content)
    except UnidentifiedImageError:
        return Probe(NOT_AN_IMAGE)
    # Pillow's readers raise many kinds of exceptions for damaged files.
    except Exception:
        return Probe(CORRUPT)
    if image.width * image.height > max_pixels:
        return Probe(TOO_MANY_PIXELS, image.format, image.width, image.height)
    try:
        shown = _show(image)
    except Exception as error:
        return Probe(TRUNCATED if _is_truncation(error) else CORRUPT, image.format)
    return Probe(OK, image.format, shown.width, shown.height, np.asarray(shown))


def decode(content: bytes) -> NDArray[np.uint8]:
    """Decode an image that `probe` found OK to (height, width, 3), uint8, red, green and blue.

    The pixels are those that a viewer shows: turned by the EXIF orientation, the first frame of an
    animation, transparency over white, 16-bit levels scaled to 8, floating-point levels from 0 to 1
    to 255, palette, grey and CMYK converted.
    Colour profiles are not applied. If the image is damaged, Pillow's exceptions are raised.
    """
    try:
        return np.asarray(_show(_open(content)))
    except Exception:
        shorter = without_texts(content)
        if len(shorter) == len(content):
            raise
        return np.asarray(_show(_open(shorter)))


def without_texts(content: bytes) -> bytes:
    """A PNG without its texts and colour profile, which Pillow refuses if they are long.

    They change no pixel here. Nothing is decompressed. Other content is returned unchanged.
    """
    if not content.startswith(_PNG):
        return content
    kept, start = [_PNG], len(_PNG)
    while len(header := content[start : start + 8]) == 8:
        # A chunk is its length, its type, its data and a checksum.
        end = start + 12 + int.from_bytes(header[:4], "big")
        if header[4:] not in _TEXTS:
            kept.append(content[start:end])
        start = end
    return b"".join(kept)


def _open(content: bytes) -> Image.Image:
    # The caller's limit is the only one: Pillow's would warn or fail below some of them.
    Image.MAX_IMAGE_PIXELS = None
    return Image.open(io.BytesIO(content), formats=_FORMATS)


def _show(image: Image.Image) -> Image.Image:
    """The image decoded, upright, in mode RGB."""
    with warnings.catch_warnings():
        # Pillow warns of damaged EXIF blocks and of palettes with transparency.
        warnings.simplefilter("ignore")
        format_ = image.format
        image.load()
        image = _to_rgb(_turn_upright(image))
        image.format = format_
        return image


def _turn_upright(image: Image.Image) -> Image.Image:
    try:
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) != 1
        return ImageOps.exif_transpose(image) if turned else image
    # Viewers show an image with a damaged EXIF block without turning it.
    except Exception:
        return image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        return _scale_16_bits(image)
    if image.has_transparency_data:
        coloured = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, coloured).convert("RGB")
    if image.mode == "F":
        return _scale_floats(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _scale_16_bits(image: Image.Image) -> Image.Image:
    """Grey levels 0..65535 scaled to 0..255; Pillow would clip them at 255."""
    levels = np.clip(np.asarray(image, dtype=np.int64), 0, 65535)
    grey = ((levels + 128) // 257).astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")


def _scale_floats(image: Image.Image) -> Image.Image:
    """Grey levels 0..1, 0..255 or 0..65535 as 0..255: the smallest range that holds nearly all."""
    levels = np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=np.inf, neginf=0.0)
    # Sharpened images have a few levels above white.
    usual = np.percentile(levels, 99)
    white = next((white for white in (1.0, 255.0) if usual <= white), 65535.0)
    grey = np.rint(np.clip(levels / white, 0.0, 1.0) * 255).astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")


def _is_truncation(error: Exception) -> bool:
    message = str(error).lower()
    return isinstance(error, EOFError) or "truncated" in message or "broken data stream" in message
