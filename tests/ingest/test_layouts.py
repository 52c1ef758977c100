"""Where the columns of a file are: by its header, or by input.format."""

import pytest

from mmdin.errors import InputDataError
from mmdin.ingest.formats import FORMATS, LINKS, MOVIES, RATINGS, InputFile
from mmdin.ingest.heads import Head
from mmdin.ingest.layouts import Layout, lay_out


def layouts(*lines: str | None, file: InputFile = RATINGS, format_: str = "movielens") -> list:
    heads = {f"part-{i}": Head("utf-8", line) for i, line in enumerate(lines)}
    return list(lay_out(heads, file, FORMATS[format_], "set it").values())


@pytest.mark.parametrize(
    ("header", "delimiter", "positions"),
    [
        ("userId,movieId,rating,timestamp", ",", (0, 1, 2, 3)),
        ("movieId,userId,timestamp,rating", ",", (1, 0, 3, 2)),
        ("UserID,MovieID,Rating,Timestamp", ",", (0, 1, 2, 3)),
        ("USERID, movie_id ,rating, time stamp", ",", (0, 1, 2, 3)),
        ('"userId","movieId","rating","timestamp"', ",", (0, 1, 2, 3)),
        ('"","userId","movieId","rating","timestamp"', ",", (1, 2, 3, 4)),
        ("userId;movieId;rating;timestamp", ";", (0, 1, 2, 3)),
        ('"userId"\t"movieId"\t"rating"\t"timestamp"\t"a,b;c"', "\t", (0, 1, 2, 3)),
        ("UserID::MovieID::Rating::Timestamp", "::", (0, 1, 2, 3)),
    ],
)
def test_columns_are_found_however_the_header_is_written(
    header: str, delimiter: str, positions: tuple[int, ...]
) -> None:
    (layout,) = layouts(header)
    assert (layout.delimiter, layout.positions) == (delimiter, positions)
    assert layout.header == header


def test_each_file_is_read_by_its_own_header() -> None:
    first, second = "userId,movieId,rating,timestamp", "movieId,userId,rating,timestamp"
    assert [x.positions[0] for x in layouts(first, None, second)] == [0, 1]
    with pytest.raises(InputDataError, match="part-2: has no header, and the files with it have"):
        layouts(first, second, "1,2,3.5,964981247")


def test_pieces_of_a_file_that_was_cut_are_read_as_the_first() -> None:
    header = "movieId,userId,rating,timestamp"
    first, second = layouts(header, "1,2,3.5,964981247")
    assert second == Layout("utf-8", ",", True, "", 4, first.positions)
    for line in ("1,2,3.5", "one,2,3.5,964981247"):
        with pytest.raises(InputDataError, match=r"part-1: has no header; its first line is '"):
            layouts(header, line)


def test_formats_without_a_header_are_laid_out_by_their_name() -> None:
    (ratings,) = layouts("1::1193::5::978300760", format_="ml-1m")
    assert (ratings.delimiter, ratings.quoted, ratings.header) == ("::", False, "")
    (ratings,) = layouts("196\t242\t3\t881250949", format_="ml-100k")
    assert (ratings.delimiter, ratings.positions) == ("\t", (0, 1, 2, 3))
    item = "1|Toy Story (1995)|01-Jan-1995||http://x|" + "|".join("0001110000000000000")
    (movies,) = layouts(item, file=MOVIES, format_="ml-100k")
    assert (movies.width, movies.positions) == (24, (0, 1))
    assert [genre for _, genre in movies.genre_flags][3:5] == ["Animation", "Children's"]
    # One with a header needs no format.
    assert layouts("userId,movieId,rating,timestamp", format_="ml-1m")[0].delimiter == ","


@pytest.mark.parametrize(
    ("line", "file", "format_", "message"),
    [
        ("1::1193::5::978300760", RATINGS, "movielens", r"has no header.*input\.format=ml-1m"),
        ("196\t242\t3\t881250949", RATINGS, "movielens", r"has no header.*input\.format=ml-100k"),
        ("1,2,3.5,1112486027", RATINGS, "movielens", "has no header.*must name userId, movieId"),
        ("user;item;rating;time", RATINGS, "movielens", "no column userId.* user, item, rating"),
        ("userId,user_id,movieId,rating,timestamp", RATINGS, "movielens", "column userId twice"),
        ("movieId,imdbId", LINKS, "movielens", "has no column tmdbId; its columns are movieId"),
        ("1,2,3.5,1112486027", RATINGS, "ml-1m", "has 1 fields and not 4 separated by ::"),
        ("1::1193::5::978300760", RATINGS, "ml-100k", "not 4 separated by tabs"),
        (None, RATINGS, "movielens", "the file is empty; set it"),
    ],
)
def test_a_file_that_cannot_be_laid_out_is_refused_with_what_was_found(
    line: str | None, file: InputFile, format_: str, message: str
) -> None:
    with pytest.raises(InputDataError, match=message):
        layouts(line, file=file, format_=format_)
