"""Plain paths are literal, and those of file: URLs are quoted, with any characters in them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mmdin.config import Config, Input
from mmdin.storage import is_local, local_path
from mmdin.storage.urls import absolute, literal_url, scheme_of


@pytest.mark.parametrize(
    ("url", "scheme"),
    [
        ("build/x", ""),
        ("/a b", ""),
        ("run:1", ""),
        ("a:b/c", ""),
        ("a#b/c:/d", ""),
        ("file:///a%20b", "file"),
        ("file:/a", "file"),
        ("hdfs://n/a", "hdfs"),
        ("S3A://b/a", "s3a"),
        ("hdfs:/a", "hdfs"),
    ],
)
def test_a_scheme_ends_in_a_colon_and_a_slash(url: str, scheme: str) -> None:
    assert scheme_of(url) == scheme
    assert is_local(url) is (scheme in ("", "file"))


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/")))
def test_a_file_url_and_a_plain_path_mean_the_same_file(name: str) -> None:
    path = Path("/folder", f"x{name}", "file")
    assert local_path(str(path)) == local_path(path.as_uri()) == path
    assert literal_url(str(path)) == literal_url(path.as_uri()) == f"file:{path}"


def test_a_file_url_that_is_not_quoted_loses_nothing() -> None:
    assert local_path("file:///a#b/c?d") == Path("/a#b/c?d")
    assert local_path("file://localhost/a%20b") == Path("/a b")


def test_relative_paths_are_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to("elsewhere/deep")
    monkeypatch.chdir(tmp_path)
    assert literal_url("a:b") == f"file:{tmp_path}/a:b"
    assert literal_url("link/../x") == f"file:{tmp_path}/elsewhere/x"
    assert literal_url("hdfs://n/a:b") == "hdfs://n/a:b"


@pytest.mark.parametrize("key", ["root", "movielens", "posters", "tables"])
def test_names_that_java_could_not_open_and_urls_with_a_host_are_refused(key: str) -> None:
    def configure(url: str) -> Config:
        return (
            Config(name="x", root=url)
            if key == "root"
            else Config(name="x", input=Input(**{key: url}))
        )

    for url, message in (
        ("file://data/x", "file:///data/x"),
        ("/a\udce9", "rename it"),
        ("/a\0b", "rename it"),
    ):
        with pytest.raises(ValidationError, match=message):
            configure(url)
    configure("file:///data/x#y")


def test_a_plain_path_is_absolute_and_a_url_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute("build/a#b") == f"{tmp_path}/build/a#b"
    assert absolute("/a%20b") == "/a%20b"
    for url in ("file:///a%20b", "hdfs://n/a"):
        assert absolute(url) == url
