"""What the first bytes of a file tell: its kind, its encoding and its first line."""

import bz2
import codecs
import gzip
import lzma
import zipfile
from pathlib import Path

import pytest

from mmdin.errors import InputDataError
from mmdin.ingest.heads import HEAD_BYTES, Head, read_head

HEADER = "userId,movieId,rating,timestamp"
TEXT = f"{HEADER}\r\n1,2,3.5,1112486027\r\n"


@pytest.mark.parametrize(
    ("content", "given", "encoding"),
    [
        (TEXT.encode(), "utf-8", "utf-8"),
        (codecs.BOM_UTF8 + TEXT.encode(), "latin-1", "utf-8"),
        (TEXT.encode("utf-16"), "utf-8", "utf-16-le"),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "utf-8", "utf-16-be"),
        (TEXT.encode("utf-16-le"), "utf-16", "utf-16-le"),
        (TEXT.encode("utf-16-be"), "utf-16-le", "utf-16-be"),
        (TEXT.encode(), "utf-16", "utf-8"),
        (b"\n \r\n" + TEXT.encode(), "cp1252", "cp1252"),
    ],
)
def test_the_encoding_and_the_header_are_found(content: bytes, given: str, encoding: str) -> None:
    assert read_head("ratings.csv", content, given) == Head(encoding, HEADER)


def test_compressed_text_is_read_from_its_first_bytes_alone() -> None:
    text = (TEXT + "1,3,4.0,1112486028\r\n" * 100_000).encode()
    assert read_head("a.csv.gz", gzip.compress(text, 1)[:HEAD_BYTES], "utf-8").line == HEADER
    assert read_head("a.csv.bz2", bz2.compress(text), "utf-8").line == HEADER
    assert read_head("a", b"PAR1....PAR1", "utf-8").is_parquet
    assert read_head("a", b"", "utf-8").line is None


def _zip(path: Path) -> bytes:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ratings.csv", TEXT)
    return path.read_bytes()


def test_what_is_no_text_is_refused_by_name(tmp_path: Path) -> None:
    packed = gzip.compress(TEXT.encode())
    for name, content, message in (
        ("ratings.csv", _zip(tmp_path / "a.zip"), "a zip archive or a workbook: unpack it"),
        ("ratings.csv", lzma.compress(TEXT.encode()), "compressed by xz"),
        ("ratings.csv", packed, "is compressed by gzip: let its name end in .gz"),
        ("ratings.csv.gz", TEXT.encode(), "is not compressed by gzip, as its name says"),
        ("ratings.csv.gz", packed[:4] + b"\xff" * 40, "cannot be decompressed"),
        ("ratings.csv.zst", TEXT.encode(), "is compressed: decompress it"),
        ("ratings.csv", TEXT.encode("utf-32"), "is UTF-32 text"),
        ("ratings.csv", TEXT.encode("utf-16-le"), "set input.encoding=utf-16-le"),
        ("ratings.csv", TEXT.encode("utf-16-be"), "set input.encoding=utf-16-be"),
        ("ratings.csv", b"user\0Id,movieId", "holds NUL bytes"),
    ):
        with pytest.raises(InputDataError, match=message):
            read_head(name, content, "utf-8")
