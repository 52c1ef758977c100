"""The first bytes of a file: what it is, how its text is encoded, and its first line."""

import bz2
import codecs
import zlib
from dataclasses import dataclass

from mmdin.errors import InputDataError

HEAD_BYTES = 1 << 16
BZIP2_HEAD_BYTES = 1 << 20
"""A block of bzip2, which is decompressed as a whole, can take 900 kB."""

_GZIP, _BZIP2, _PARQUET = b"\x1f\x8b", b"BZh", b"PAR1"
_COMPRESSED = {_GZIP: (".gz", "gzip"), _BZIP2: (".bz2", "bzip2")}
_REFUSED = {
    b"PK\x03\x04": "a zip archive or a workbook: unpack it, or save it as CSV",
    b"PK\x05\x06": "an empty zip archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive: unpack it",
    b"Rar!": "a RAR archive: unpack it",
    b"\xfd7zXZ": "compressed by xz: decompress it, or compress it by gzip",
    b"\x28\xb5\x2f\xfd": "compressed by zstd: decompress it, or compress it by gzip",
    b"\x04\x22\x4d\x18": "compressed by lz4: decompress it, or compress it by gzip",
    b"\xd0\xcf\x11\xe0": "a workbook: save it as CSV",
    b"SQLite format 3": "an SQLite database: export its tables as CSV",
    b"Obj\x01": "an Avro file: write it as Parquet",
    b"ORC": "an ORC file: write it as Parquet",
    b"\x89HDF": "an HDF5 file: write it as Parquet",
    b"%PDF": "a PDF",
}
"""What is neither text nor Parquet, by its first bytes."""

_OTHER_CODECS = (".deflate", ".lz4", ".snappy", ".zst", ".lzo")
"""Endings of names at which Spark decompresses, but not in each of its builds."""

_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
"""Encodings by byte-order mark. UTF-32's begins as that of UTF-16 does."""


@dataclass(frozen=True)
class Head:
    """The beginning of a file.

    Attributes:
        encoding: of its text; empty if it is a Parquet file.
        line: the first line that is not blank, without a byte-order mark; None if there is none.
    """

    encoding: str
    line: str | None

    @property
    def is_parquet(self) -> bool:
        """Whether it is a Parquet file and not text."""
        return not self.encoding


def read_head(path: str, content: bytes, encoding: str) -> Head:
    """What the first bytes of a file tell.

    Args:
        path: of the file.
        content: its first bytes, as it is stored.
        encoding: of the text, if it has no byte-order mark.

    Raises:
        InputDataError: if the file is neither text, compressed or not, nor Parquet.
    """
    if content.startswith(_PARQUET):
        return Head("", None)
    _refuse_what_is_not_text(path, content)
    text = _decompress(path, content)
    encoding = _sniff_encoding(path, text, encoding)
    decoded = text.decode(encoding, errors="replace").removeprefix("\ufeff")
    # splitlines also ends lines at separators that are part of a field for Spark.
    lines = decoded.replace("\r", "\n").split("\n")
    return Head(encoding, next((line[:HEAD_BYTES] for line in lines if line.strip()), None))


def _refuse_what_is_not_text(path: str, content: bytes) -> None:
    for magic, what in _REFUSED.items():
        if content.startswith(magic):
            raise InputDataError(f"{path}: is not text but {what}")
    if path.lower().endswith(_OTHER_CODECS):
        raise InputDataError(f"{path}: is compressed: decompress it, or compress it by gzip")


def _decompress(path: str, content: bytes) -> bytes:
    """The text of a compressed file, as far as these bytes hold it."""
    magic = next((m for m in _COMPRESSED if content.startswith(m)), b"")
    ending, codec = _COMPRESSED.get(magic, ("", ""))
    if not path.endswith(ending):
        raise InputDataError(f"{path}: is compressed by {codec}: let its name end in {ending}")
    for ending, codec in _COMPRESSED.values() if content else ():
        if path.endswith(ending) and not magic:
            raise InputDataError(f"{path}: is not compressed by {codec}, as its name says")
    try:
        if magic == _GZIP:
            return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(content)
        return bz2.BZ2Decompressor().decompress(content) if magic else content
    except (zlib.error, OSError) as error:
        raise InputDataError(f"{path}: cannot be decompressed: {error}") from None


def _sniff_encoding(path: str, text: bytes, encoding: str) -> str:
    marked = next((e for mark, e in _MARKS.items() if text.startswith(mark)), "")
    if marked == "utf-32":
        raise InputDataError(f"{path}: is UTF-32 text: convert it to UTF-8")
    if marked:
        return marked
    first, second = text[:1] == b"\0", text[1:2] == b"\0"
    if first == second:
        if b"\0" in text:
            raise InputDataError(f"{path}: is not text: it holds NUL bytes")
        # Without a NUL it is not UTF-16: other files of the folder are.
        return "utf-8" if encoding.startswith("utf-16") else encoding
    endian = "utf-16-be" if first else "utf-16-le"
    if not encoding.startswith("utf-16"):
        raise InputDataError(
            f"{path}: is UTF-16 text without a byte-order mark: set input.encoding={endian}"
        )
    return endian
