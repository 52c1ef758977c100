from pathlib import Path

import pytest

from mmdin.storage import is_local, local_path


@pytest.mark.parametrize(
    ("url", "local"),
    [("build/x", True), ("/a b", True), ("file:///a%20b", True), ("hdfs://n/a", False)],
)
def test_plain_paths_and_file_urls_are_local(url: str, local: bool) -> None:
    assert is_local(url) is local


def test_a_file_url_means_the_decoded_path() -> None:
    assert local_path("file:///a%20b") == Path("/a b")
    assert local_path("/a%20b") == Path("/a%20b")
