"""Which files of a folder are read."""

import gzip
from pathlib import Path

import pytest
from movielens_files import GOOD_RATINGS, write

from mmdin.config import Input
from mmdin.errors import InputDataError
from mmdin.ingest.formats import LINKS, MOVIES, RATINGS, InputFile
from mmdin.ingest.sources import find_source
from mmdin.storage.local import LocalFiles

TEXT = "".join(f"{line}\n" for line in GOOD_RATINGS)


def find(folder: Path, file: InputFile = RATINGS, **settings: str) -> list[str]:
    source = find_source(LocalFiles(), Input(movielens=str(folder), **settings), file)
    return [str(Path(path).relative_to(folder)) for path in source.layouts]


def place(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(TEXT.encode()) if path.suffix == ".gz" else TEXT.encode())
    return folder


@pytest.mark.parametrize(
    ("there", "settings", "read"),
    [
        (["ratings.csv", "ratings.csv.gz"], {}, ["ratings.csv"]),
        (["ratings.csv.gz"], {}, ["ratings.csv.gz"]),
        (
            ["ratings.csv/part-1.csv", "ratings.csv/part-0.csv.gz", "ratings.csv/_SUCCESS"],
            {},
            ["ratings.csv/part-0.csv.gz", "ratings.csv/part-1.csv"],
        ),
        (["ratings/a/x.csv", "ratings/.x.csv.crc"], {}, ["ratings/a/x.csv"]),
        (
            ["ratings-1.csv", "ratings-2.csv", "ratings.csv", "other.csv"],
            {"ratings_files": "ratings-*.csv"},
            ["ratings-1.csv", "ratings-2.csv"],
        ),
        (["year=1/x.csv", "b/x.csv"], {"ratings_files": "year=*"}, ["year=1/x.csv"]),
        (["rating.csv"], {"ratings_files": "rating.csv"}, ["rating.csv"]),
        (["ratings.dat", "ratings.csv"], {"format": "ml-1m"}, ["ratings.dat"]),
        (["ratings.csv"], {"format": "ml-100k"}, ["ratings.csv"]),
    ],
)
def test_files_are_found(
    tmp_path: Path, there: list[str], settings: dict[str, str], read: list[str]
) -> None:
    assert find(place(tmp_path / "[in] {a}", *there), **settings) == read


def test_links_may_be_absent_and_others_not(tmp_path: Path) -> None:
    folder = write(tmp_path / "in")
    (folder / "links.csv").unlink()
    assert find(folder, LINKS) == []
    (folder / "movies.csv").rename(folder / "movie.csv")
    message = r"movies\.csv: there is no such file; .*input\.movies_files.* holds movie\.csv, rat"
    with pytest.raises(InputDataError, match=message):
        find(folder, MOVIES)
    place(folder, "u.item")
    with pytest.raises(InputDataError, match=r"set input\.format=ml-100k, or set input\.movielens"):
        find(folder, MOVIES)
    with pytest.raises(InputDataError, match=r"in/r\*\.txt: there is no such file"):
        find(folder, RATINGS, ratings_files="r*.txt")


def test_a_delta_table_is_not_read_as_a_folder_of_parts(tmp_path: Path) -> None:
    place(tmp_path, "ratings/part-0.csv", "ratings/_delta_log/0.json")
    with pytest.raises(InputDataError, match="is a Delta table"):
        find(tmp_path)
