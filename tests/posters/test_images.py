"""Decoding as a viewer shows it, and the status of files that cannot be used."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from mmdin.posters.images import (
    CORRUPT,
    EMPTY,
    NOT_AN_IMAGE,
    OK,
    TOO_MANY_PIXELS,
    TRUNCATED,
    Probe,
    decode,
    probe,
)

LIMIT = 1_000_000
CORNERS = np.array(
    [[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[0, 0, 0], [90, 90, 90], [9, 99, 199]]]
)


def encoded(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def picture() -> Image.Image:
    return Image.fromarray(CORNERS.astype(np.uint8))


def noise(width: int = 64, height: int = 48) -> Image.Image:
    levels = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(levels)


def shown(content: bytes) -> list:
    pixels = decode(content)
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3 and pixels.shape[2] == 3
    result = probe(content, LIMIT)
    assert (result.status, result.width, result.height) == (OK, pixels.shape[1], pixels.shape[0])
    return pixels.tolist()


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "GIF", "PPM", "TGA"])
def test_lossless_formats_give_their_pixels(format: str) -> None:
    content = encoded(picture(), format)
    assert probe(content, LIMIT) == Probe(OK, format, 3, 2)
    assert shown(content) == CORNERS.tolist()


@pytest.mark.parametrize("format", ["JPEG", "WEBP"])
def test_lossy_formats_come_close(format: str) -> None:
    plain = Image.new("RGB", (16, 8), (200, 100, 50))
    assert np.abs(decode(encoded(plain, format)).astype(int) - [200, 100, 50]).max() <= 4


def test_transparency_is_shown_over_white() -> None:
    levels = np.array([[[255, 0, 0, 0], [255, 0, 0, 255], [0, 0, 0, 51]]], dtype=np.uint8)
    assert shown(encoded(Image.fromarray(levels))) == [
        [[255, 255, 255], [255, 0, 0], [204, 204, 204]]
    ]


def test_grey_with_transparency_is_shown_over_white() -> None:
    la = Image.fromarray(np.array([[[100, 0], [100, 255]]], dtype=np.uint8), "LA")
    assert shown(encoded(la)) == [[[255, 255, 255], [100, 100, 100]]]


def test_transparent_palette_entry_is_shown_over_white() -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putdata([0, 1])
    assert shown(encoded(palette, transparency=0)) == [[[255, 255, 255], [40, 50, 60]]]


def test_cmyk() -> None:
    cmyk = Image.fromarray(np.array([[[0, 0, 0, 0], [0, 255, 255, 0]]], dtype=np.uint8), "CMYK")
    assert shown(encoded(cmyk, "TIFF")) == [[[255, 255, 255], [255, 0, 0]]]


def test_black_and_white() -> None:
    bits = Image.fromarray(np.array([[0, 255]], dtype=np.uint8)).convert("1")
    assert shown(encoded(bits)) == [[[0, 0, 0], [255, 255, 255]]]


def test_grey() -> None:
    grey = Image.fromarray(np.array([[0, 77, 255]], dtype=np.uint8))
    assert shown(encoded(grey)) == [[[0] * 3, [77] * 3, [255] * 3]]


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_16_bits_are_scaled_to_8(format: str) -> None:
    grey = Image.fromarray(np.array([[0, 257 * 77, 65535]], dtype=np.uint16))
    assert grey.mode == "I;16"
    assert shown(encoded(grey, format)) == [[[0] * 3, [77] * 3, [255] * 3]]


def test_animation_shows_its_first_frame() -> None:
    frames = [Image.new("RGB", (2, 2), colour) for colour in ("red", "blue")]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert shown(content)[0][0] == [255, 0, 0]


AS_STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}
"""How EXIF orientations store an upright picture (EXIF 2.3, table 6)."""


@pytest.mark.parametrize("orientation", AS_STORED)
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_exif_orientation_is_undone(orientation: int, format: str) -> None:
    stored = np.ascontiguousarray(AS_STORED[orientation](CORNERS)).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(Image.fromarray(stored), format, exif=exif)
    assert shown(content) == CORNERS.tolist()


def test_damaged_exif_is_ignored() -> None:
    content = encoded(noise(), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")
    assert probe(content, LIMIT).status == OK


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", EMPTY),
        (b"No poster today.\n", NOT_AN_IMAGE),
        (b"<html><body>404</body></html>", NOT_AN_IMAGE),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", NOT_AN_IMAGE),
    ],
    ids=["empty", "text", "html", "postscript"],
)
def test_files_that_are_not_images_get_a_status(content: bytes, status: str) -> None:
    assert probe(content, LIMIT) == Probe(status)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_half_a_file_is_never_ok(format: str, share: float) -> None:
    content = encoded(noise(), format)
    cut = content[: int(len(content) * share)]
    assert probe(cut, LIMIT).status in (TRUNCATED, CORRUPT, NOT_AN_IMAGE)


def test_a_truncated_jpeg_has_that_status() -> None:
    content = encoded(noise(), "JPEG")
    assert probe(content[: len(content) // 2], LIMIT) == Probe(TRUNCATED, "JPEG")


def test_damage_never_raises() -> None:
    rng = np.random.default_rng(7)
    for format in ("JPEG", "PNG", "GIF", "TIFF", "WEBP"):
        good = np.frombuffer(encoded(noise(), format), dtype=np.uint8)
        for _ in range(20):
            bad = good.copy()
            places = rng.integers(0, len(bad), 20)
            bad[places] = rng.integers(0, 256, 20)
            assert isinstance(probe(bad.tobytes(), LIMIT).status, str)


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"\0"))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def test_bomb_is_not_decoded() -> None:
    bomb = png_header(100_000, 100_000)
    assert probe(bomb, LIMIT) == Probe(TOO_MANY_PIXELS, "PNG", 100_000, 100_000)


def test_limit_on_pixels_is_inclusive() -> None:
    content = encoded(noise(10, 10))
    assert probe(content, 100).status == OK
    assert probe(content, 99).status == TOO_MANY_PIXELS


def with_chunks(content: bytes, *chunks: tuple[bytes, bytes], late: bool = False) -> bytes:
    """A PNG with further chunks, before its pixels or after them."""
    place = content.index(b"IEND" if late else b"IDAT") - 4
    added = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return content[:place] + added + content[place:]


LONG = b"x" * 3_000_000
PACKED = zlib.compress(LONG)
TEXTS = {
    "zTXt": (b"zTXt", b"Comment\0\0" + PACKED),
    "iTXt": (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + PACKED),
    "iTXt, not compressed": (b"iTXt", b"Comment\0\0\0\0\0" + LONG),
    "tEXt": (b"tEXt", b"Comment\0" + LONG),
    "iCCP": (b"iCCP", b"profile\0\0" + PACKED),
    "iCCP, damaged": (b"iCCP", b"profile\0\0" + PACKED[: len(PACKED) // 2]),
}


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("text", TEXTS)
def test_long_texts_and_profiles_of_a_png_are_skipped(text: str, late: bool) -> None:
    content = with_chunks(encoded(picture()), TEXTS[text], late=late)
    assert shown(content) == CORNERS.tolist()


def test_many_texts_of_a_png_are_skipped() -> None:
    mebibyte = (b"zTXt", b"Comment\0\0" + zlib.compress(bytes(1_000_000)))
    content = with_chunks(encoded(picture()), *[mebibyte] * 80)
    assert shown(content) == CORNERS.tolist()
    cut = content[: content.index(b"IDAT") + 9]
    assert probe(cut, LIMIT).status in (TRUNCATED, CORRUPT)


def test_a_turned_png_with_long_texts_is_undone() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    turned = encoded(picture(), exif=exif)
    assert shown(with_chunks(turned, TEXTS["zTXt"])) == CORNERS[::-1, ::-1].tolist()


@pytest.mark.parametrize("white", [1.0, 255.0, 65535.0])
def test_floating_point_levels_are_scaled(white: float) -> None:
    levels = np.linspace(0, white, 256, dtype=np.float32).reshape(16, 16)
    grey = np.array(shown(encoded(Image.fromarray(levels), "TIFF")))
    assert grey[..., 0].ravel().tolist() == list(range(256))
    assert (grey == grey[..., :1]).all()


def test_floating_point_levels_may_be_a_little_above_white_or_no_numbers() -> None:
    levels = np.full((20, 20), 0.5, dtype=np.float32)
    levels[0, :3] = (1.4, np.inf, -0.2)
    levels[1, 0] = np.nan
    grey = np.array(shown(encoded(Image.fromarray(levels), "TIFF")))[..., 0]
    assert grey[0, :3].tolist() == [255, 255, 0]
    assert (grey[1, 0], grey[5, 5]) == (0, 128)
    assert not np.any(shown(encoded(Image.new("F", (3, 2)), "TIFF")))
