"""From an image file's bytes to pixels as a viewer shows them. The only module that decodes images.

Files are not trusted: they may be damaged, huge, or no images at all. Only raster formats are
opened; Pillow would hand some others to outside programs.
"""

import io
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

OK = "ok"
EMPTY = "empty file"
NOT_AN_IMAGE = "not an image"
TRUNCATED = "truncated image"
CORRUPT = "corrupt image"
TOO_MANY_PIXELS = "more pixels than posters.max_pixels"

_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF", "JPEG2000", "PPM", "TGA", "ICO")


@dataclass(frozen=True)
class Probe:
    """What is found out of an image file.

    status: OK, or one of this module's reasons why it cannot be used.
    format: as Pillow names it; None where it is not an image.
    width, height: pixels as a viewer shows the image; as the header states where the image was
    not decoded for its size; None where it is no usable image.
    """

    status: str
    format: str | None = None
    width: int | None = None
    height: int | None = None


def probe(content: bytes, max_pixels: int) -> Probe:
    """Find out whether an image can be used, by decoding it whole.

    Images of more than max_pixels, by their header, are not decoded. Never raises: whatever is
    wrong with the content becomes the status.
    """
    if not content:
        return Probe(EMPTY)
    try:
        image = _open(content)
    except UnidentifiedImageError:
        return Probe(NOT_AN_IMAGE)
    # Pillow's readers raise all kinds of exceptions over damaged files.
    except Exception:
        return Probe(CORRUPT)
    if image.width * image.height > max_pixels:
        return Probe(TOO_MANY_PIXELS, image.format, image.width, image.height)
    try:
        shown = _show(image)
    except Exception as error:
        return Probe(TRUNCATED if _is_truncation(error) else CORRUPT, image.format)
    return Probe(OK, image.format, shown.width, shown.height)


def decode(content: bytes) -> NDArray[np.uint8]:
    """Decode an image that `probe` found OK to (height, width, 3), uint8, red, green and blue.

    As a viewer shows it: turned as its EXIF orientation says, the first frame of an animation,
    transparency over white, 16-bit levels scaled to 8, palette, grey and CMYK converted. Colour
    profiles are not applied. Raises what Pillow raises where the image is damaged.
    """
    return np.asarray(_show(_open(content)))


def _open(content: bytes) -> Image.Image:
    # The caller's limit is the only one: Pillow's own guard would warn or fail below some limits.
    Image.MAX_IMAGE_PIXELS = None
    return Image.open(io.BytesIO(content), formats=_FORMATS)


def _show(image: Image.Image) -> Image.Image:
    """The image decoded, upright, in mode RGB."""
    with warnings.catch_warnings():
        # A damaged EXIF block or a palette's transparency is worth a warning to Pillow, not here.
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
    # Viewers show an image whose EXIF block is damaged, and so unturned.
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
        return image.convert("L").convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _scale_16_bits(image: Image.Image) -> Image.Image:
    """Grey levels 0..65535 to 0..255: Pillow itself would clip them at 255."""
    levels = np.clip(np.asarray(image, dtype=np.int64), 0, 65535)
    grey = ((levels + 128) // 257).astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")


def _is_truncation(error: Exception) -> bool:
    said = str(error).lower()
    return isinstance(error, EOFError) or "truncated" in said or "broken data stream" in said
