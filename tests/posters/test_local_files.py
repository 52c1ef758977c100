"""Files of a local folder, by names as the disk has them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from mmdin.posters import local_files
from mmdin.posters.local_files import LocalFile, list_local_files


def test_hidden_files_are_left_out_and_links_are_followed(tmp_path: Path) -> None:
    for name in ("1.jpg", ".2.jpg", "_3.jpg", "in/4.jpg", "_in/5.jpg", os.fsdecode(b"\xe9/6.jpg")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"abc")
    (tmp_path / "7.jpg").symlink_to("1.jpg")
    (tmp_path / "8.jpg").symlink_to("nowhere")
    os.mkfifo(tmp_path / "9.jpg")
    files = list_local_files(tmp_path)
    root = os.fsencode(tmp_path)
    sizes = {file.path.removeprefix(root + b"/"): file.size for file in files}
    regular = (b"1.jpg", b"in/4.jpg", b"7.jpg", b"\xe9/6.jpg")
    assert sizes == {**dict.fromkeys(regular, 3), b"8.jpg": None, b"9.jpg": None}
    assert [file.path for file in files] == sorted(file.path for file in files)


def test_names_are_text_even_if_their_bytes_are_not() -> None:
    assert LocalFile(b"/a/caf\xe9.jpg", 1).name == r"caf\xe9.jpg"
    assert LocalFile("/a/café.jpg".encode(), 1).name == "café.jpg"


@pytest.mark.parametrize("held", [1, 7, 1000])
def test_every_file_is_read_whatever_fits_into_a_batch(
    held: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = [bytes([n]) * n for n in range(6)]
    for n, content in enumerate(contents):
        (tmp_path / f"{n}").write_bytes(content)
    paths = [os.fsencode(tmp_path / f"{n}") for n in range(6)] + [b"/nowhere", b"/fifo"]
    sizes = [*range(6), 3, None]
    listed = pa.RecordBatch.from_pydict(
        {"path": paths, "file": [""] * 8, "length": pa.array(sizes, pa.int64())}
    )
    monkeypatch.setattr(local_files, "_BYTES_PER_BATCH", held)

    def read() -> Iterator[tuple[bytes, bytes | None]]:
        for batch in local_files.read_local_files(iter([listed]), max_bytes=4):
            yield from zip(batch["path"].to_pylist(), batch["content"].to_pylist(), strict=True)

    assert list(read()) == list(zip(paths, [*contents[:5], None, None, None], strict=True))
