"""Files as people and programs write them, and what is refused with its likely cause."""

import bz2
import gzip
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from movielens_files import GOOD_RATINGS, LINKS, MOVIES, ingest, rows_of, write
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from mmdin import schemas
from mmdin.config import Input, RatingScale
from mmdin.errors import InputDataError
from mmdin.ingest import formats, ratings
from mmdin.ingest.delimited import read_rows
from mmdin.ingest.links import judge_links
from mmdin.ingest.movielens import find_sources, judge
from mmdin.ingest.movies import choose_spellings, finish_movies, judge_movies
from mmdin.ingest.numbers import decimal_number, number, seconds, whole_number
from mmdin.ingest.refusal import refuse_unusable, warn_of_low_ratings
from mmdin.ingest.rejection import HEADER_AGAIN, kept
from mmdin.ingest.tallies import Range, Tally, tally

FIELDS = [line.split(",") for line in GOOD_RATINGS]
ROWS = [(1, 2, 3.5, 1112486027), (1, 1, 4.0, 999999999), (2, 7, 0.5, 1000000000)]


def text(delimiter: str = ",", quote: str = "", fields: list[list[str]] = FIELDS) -> str:
    lines = (delimiter.join(f"{quote}{f}{quote}" for f in line) for line in fields)
    return "".join(f"{line}\r\n" for line in lines)


def parts(folder: Path) -> None:
    """Two files of different column orders, a piece without a header, and an empty file."""
    (folder / "ratings.csv").mkdir()
    swapped = [[f[1], f[0], *f[2:]] for f in (FIELDS[0], FIELDS[2])]
    for name, content in {
        "part-0.csv": text(fields=FIELDS[:2]),
        "part-1.csv": text(fields=swapped),
        "part-2.csv": text(";", fields=[FIELDS[0], FIELDS[3]]),
        "part-3.csv": "",
        "_SUCCESS": "",
    }.items():
        (folder / "ratings.csv" / name).write_text(content)


def cut(folder: Path) -> None:
    (folder / "ratings.csv").mkdir()
    for number_, piece in enumerate((FIELDS[:2], FIELDS[2:])):
        (folder / "ratings.csv" / f"x0{number_}").write_text(text(fields=piece))


def parquet(folder: Path) -> None:
    rows = pd.DataFrame(ROWS, columns=["user_id", "MovieID", "rating", "timestamp"])
    rows = rows.astype({"user_id": "float64", "rating": "float32"}).iloc[:, [3, 2, 1, 0]]
    rows.to_parquet(folder / "ratings.parquet")


def plain(name: str, content: bytes) -> Callable[[Path], Any]:
    return lambda folder: (folder / name).write_bytes(content)


WRITTEN: dict[str, tuple[Callable[[Path], Any], dict[str, str]]] = {
    "all quoted, other case": (
        plain("ratings.csv", text(quote='"').replace("userId", "UserID").encode()),
        {},
    ),
    "semicolons, decimal commas": (
        plain("ratings.csv", text(";").replace(".5", ",5").encode()),
        {},
    ),
    "decimal commas in quotes, dates": (
        plain(
            "ratings.csv",
            text(quote='"')
            .replace(".5", ",5")
            .replace("1112486027", "2005-04-02 23:53:47")
            .replace("999999999", "2001-09-09T01:46:39Z")
            .encode(),
        ),
        {},
    ),
    "tabs": (plain("ratings.tsv", text("\t").encode()), {}),
    "gzip": (plain("ratings.csv.gz", gzip.compress(("\ufeff" + text()).encode())), {}),
    "bzip2": (plain("ratings.csv.bz2", bz2.compress(text().encode())), {}),
    "UTF-16": (plain("ratings.csv", text().encode("utf-16")), {}),
    "UTF-16 compressed, without mark": (
        plain("ratings.csv.gz", gzip.compress(text().encode("utf-16-be"))),
        {"encoding": "utf-16"},
    ),
    "parts in other orders": (parts, {}),
    "cut": (cut, {}),
    "Parquet": (parquet, {}),
    "ml-1m": (
        plain("ratings.dat", text("::", fields=FIELDS[1:]).encode()),
        {"format": "ml-1m"},
    ),
    "ml-100k": (plain("u.data", text("\t", fields=FIELDS[1:]).encode()), {"format": "ml-100k"}),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_ratings_are_read_as_they_are_written(
    spark: SparkSession, tmp_path: Path, case: str
) -> None:
    write_case, settings = WRITTEN[case]
    folder = tmp_path / "{in} [1] 50%"
    folder.mkdir()
    write_case(folder)
    rows = ratings.parse_ratings(rows_of(spark, folder, formats.RATINGS, **settings)).collect()
    found = {(r["user_id"], r["movie_id"], r["value"], r["seconds"]) for r in rows}
    assert {r["reason"] for r in rows} == {None}
    assert (len(rows), found) == (len(ROWS), set(ROWS))


def test_numbers_are_read_as_people_write_them(spark: SparkSession) -> None:
    expected = {
        ".5": (None, 0.5), "4.": (4, 4.0), "+4": (4, 4.0), "4e0": (4, 4.0), "-.5e1": (-5, -5.0),
        "9.6e+08": (960_000_000, 9.6e8), "1.112486027E9": (1_112_486_027, 1112486027.0),
        "862.0": (862, 862.0), " 862\u00a0": (862, 862.0), "007": (7, 7.0), "4.25": (None, 4.25),
        "9223372036854775807": (2**63 - 1, 2.0**63), "-9223372036854775808": (-(2**63), -(2.0**63)),
        "9223372036854775808": (None, 2.0**63), "-9223372036854775809": (None, -(2.0**63)),
        "9007199254740993": (2**53 + 1, 2.0**53), "9007199254740993.0": (2**53 + 1, 2.0**53),
        "1e18": (10**18, 1e18), "1e19": (None, 1e19), "99999999999999999999999": (None, 1e23),
        "1.0000000001": (None, 1.0000000001),
        "NaN": (None, None), "Infinity": (None, None), "4d": (None, None), "4f": (None, None),
        "0x10": (None, None), "4,5": (None, None), "": (None, None), ".": (None, None),
        "1 000": (None, None), "1_000": (None, None), "e5": (None, None), "--4": (None, None),
    }  # fmt: skip
    commas = {"4,5": 4.5, ",5": 0.5, "-4,25": -4.25, "4,": None, "1,000.5": None, "4,5,6": None}
    texts = spark.createDataFrame([(text,) for text in {**expected, **commas}], "text string")
    column = F.col("text")
    numbers = (whole_number(column), number(column), decimal_number(column))
    found = {r[0]: r for r in texts.select("text", *numbers).collect()}
    assert {text: (found[text][1], found[text][2]) for text in expected} == expected
    assert {t: found[t][3] for t in found} == {t: v for t, (_, v) in expected.items()} | commas


def test_times_are_read_as_numbers_and_as_dates(spark: SparkSession) -> None:
    expected = {
        "1112486027": 1112486027, "1.112486027e9": 1112486027, "1112486027.9": 1112486027,
        "2005-04-02 23:53:47": 1112486027, "2005-04-02T23:53:47Z": 1112486027,
        " 2005-04-02T23:53:47.999\u00a0": 1112486027, "2005-04-03 01:53:47+02:00": 1112486027,
        "2005-04-02 23:53": 1112485980, "2005-04-02": 1112400000, "2005-4-2": 1112400000,
        "1969-12-31 23:59:59": -1, "2005-02-30": None, "2005-04-02 25:00:00": None,
        "02.04.2005 23:53:47": None, "04/02/2005": None, "2005": 2005, "": None, "now": None,
        "2005-04-02 noon": None,
    }  # fmt: skip
    texts = spark.createDataFrame([(text,) for text in expected], "text string")
    rows = texts.select("text", seconds(F.col("text"))).collect()
    assert {r[0]: r[1] for r in rows} == expected


def test_other_scales_become_stars(spark: SparkSession) -> None:
    """Values, by scale, with the stars that they become; None is not on the scale."""
    expected = {
        (0.5, 5, 0.5): {
            0.5: 0.5,
            4.5: 4.5,
            5: 5,
            0: None,
            5.5: None,
            3.7: None,
            4.4999999999: None,
        },
        (1, 5, 1): {1: 1, 3: 3, 5: 5, 0.5: None, 3.5: None, 6: None},
        (1, 10, 1): {1: 0.5, 2: 1, 7: 3.5, 10: 5, 0: None, 11: None, 1.5: None},
        (0, 1, 0.1): {0: 0.5, 0.1: 1, 0.1 + 0.2: 2, 0.7: 3.5, 1: 5, 0.15: None, 1.1: None},
        (0, 1, 1): {0: 0.5, 1: 5, 0.5: None, -1: None},
        (-1, 1, 2): {-1: 0.5, 1: 5, 0: None},
        (0, 100, 1): {0: 0.5, 50: 3, 49: 2.5, 100: 5, 101: None},
        (1, 3, 1): {1: 0.5, 2: 3, 3: 5},
    }
    scales = {key: RatingScale(minimum=key[0], maximum=key[1], step=key[2]) for key in expected}
    rows = spark.createDataFrame(
        sorted({(float(v),) for values in expected.values() for v in values}), "value double"
    )
    columns = (ratings.stars(F.col("value"), s).alias(str(key)) for key, s in scales.items())
    found = {r["value"]: r for r in rows.select("value", *columns).collect()}
    for key, values in expected.items():
        assert {v: found[v][str(key)] for v in values} == values, key


TITLES = {
    "Robot (3000)": ("Robot (3000)", None),
    "Before Film (1869)": ("Before Film (1869)", None),
    "First (1870)": ("First", 1870),
    "Announced (2010)": ("Announced", 2010),
    "Too far (2011)": ("Too far (2011)", None),
    "Video (1995) (V)": ("Video (V)", 1995),
    "Deep (1995) [3D]": ("Deep [3D]", 1995),
    "Both (1995) (TV) [3D] ": ("Both (TV) [3D]", 1995),
    "Twice closed (1983))": ("Twice closed", 1983),
    "Blanks ( 1999 )": ("Blanks", 1999),
    "No-break\u00a0(\u00a01999\u00a0)\u00a0": ("No-break", 1999),
    "Numbered (1999/I)": ("Numbered", 1999),
    "Numbered (1999/II) (V)": ("Numbered (V)", 1999),
    "Series (1975-1979)": ("Series", 1975),
    "Series (2007\u2013 )": ("Series", 2007),
    "Two years (1990) (1995)": ("Two years (1990)", 1995),
    "Year (1990) within": ("Year (1990) within", None),
    "1984": ("1984", None),
    "Number (12345)": ("Number (12345)", None),
}
"""Titles as listed, and the title and year that they become if no rating is later than 2005."""

GENRES = {
    "Comedy| Drama": ["Comedy", "Drama"],
    "\u00a0Comedy\u00a0|\tDrama": ["Comedy", "Drama"],
    "|Comedy||Drama| |": ["Comedy", "Drama"],
    "comedy|DRAMA|Comedy|sci-fi": ["Comedy", "Drama", "Sci-Fi"],
    "(no genres listed)": [],
    " (No Genres Listed) ": [],
    "IMAX|Own kind|OWN KIND": ["IMAX", "OWN KIND"],
    "": [],
}


def test_years_and_genres_are_those_that_are_meant(spark: SparkSession) -> None:
    assert choose_spellings(["Own kind", "OWN KIND", "drama"]) == {
        "Own kind": "OWN KIND",
        "drama": "Drama",
    }
    pairs = [*((t, "x") for t in TITLES), *(("x", g) for g in GENRES)]
    rows = spark.createDataFrame(
        [(str(i), True, True, str(i), *pair) for i, pair in enumerate(pairs)],
        "line string, decodable boolean, well_formed boolean, movieId string, title string, "
        "genres string",
    )
    listed = kept(judge_movies(rows), "movie_id", "listed_title", "release_year", "genres")
    spelled = ["comedy", "Comedy", "DRAMA", "sci-fi", "Own kind", "OWN KIND"]
    movies = finish_movies(listed, 2010, choose_spellings(spelled)).collect()
    found = {pairs[m["movie_id"]]: m for m in movies}
    titles = {t: (found[t, "x"]["title"], found[t, "x"]["release_year"]) for t in TITLES}
    assert titles == TITLES
    assert {g: found["x", g]["genres"] for g in GENRES} == GENRES


ESCAPED = [
    '"Weird" Film (1985)', 'Great "Deeds" of Cats, The (1998)', "Back\\slash (1990)",
    "Back\\slash, The (1990)", "Ends in \\", 'Both " and \\, all', '", x', '""', '\\"', "a,b",
    "5'10\"", '12"', '"12"',
]  # fmt: skip


def test_quotes_are_read_doubled_and_as_spark_escapes_them(
    spark: SparkSession, tmp_path: Path
) -> None:
    titles = pd.DataFrame({"movieId": range(len(ESCAPED)), "title": ESCAPED, "genres": "Drama"})
    by_spark, by_pandas = tmp_path / "spark", tmp_path / "pandas"
    by_pandas.mkdir()
    spark.createDataFrame(titles).write.option("header", True).csv(str(by_spark / "movies.csv"))
    titles.to_csv(by_pandas / "movies.csv", index=False)
    for folder in (by_spark, by_pandas):
        rows = rows_of(spark, folder, formats.MOVIES).collect()
        assert {r["title"] for r in rows} == set(ESCAPED)
        assert all(r["well_formed"] and r["genres"] == "Drama" for r in rows)


def test_titles_are_read_in_the_encoding_that_is_set(spark: SparkSession, tmp_path: Path) -> None:
    for title, encoding in (
        ("Misérables, Les (1998)", "latin-1"),
        ("“Œuvre”, 5 € (1998)", "cp1252"),
        ("Сталкер (1979)", "koi8-r"),
        ("千と千尋の神隠し (2001)", "shift_jis"),
        ("Amélie 😀 (2001)", "utf-16-le"),
        ("Café (1990)", "mac-roman"),
    ):
        content = f'movieId,title,genres\r\n1,"{title}",Drama\r\n'
        (tmp_path / "movies.csv").write_bytes(content.encode(encoding))
        (row,) = rows_of(spark, tmp_path, formats.MOVIES, encoding=encoding).collect()
        assert (row["title"], row["genres"], row["well_formed"]) == (title, "Drama", True)


def test_an_encoding_that_java_does_not_have_is_refused(
    spark: SparkSession, tmp_path: Path
) -> None:
    write(tmp_path)
    with pytest.raises(InputDataError, match="Java has no encoding palmos: convert the files"):
        rows_of(spark, tmp_path, formats.MOVIES, encoding="palmos")


def test_links_are_read_with_tt_and_as_pandas_writes_them(
    spark: SparkSession, tmp_path: Path
) -> None:
    lines = {
        "1,tt0114709,862.0": (1, "0114709", 862),
        "2,113497,8844": (2, "0113497", 8844),
        "3,113277.0,": (3, "0113277", None),
        "4.0,TT12345678,9.49e2": (4, "12345678", 949),
        "9223372036854775807,,": (2**63 - 1, None, None),
    }
    folder = write(tmp_path / "in", links=[LINKS[0], *lines, "6,-1,1", "7,ttx,1", "8,1,1.5"])
    rows = judge_links(rows_of(spark, folder, formats.LINKS)).collect()
    found = {r["line"]: tuple(r)[:3] for r in rows if r["reason"] is None}
    assert found == lines
    assert sorted(r["reason"] for r in rows if r["reason"]) == [
        "imdbId is not a whole number",
        "imdbId is not a whole number",
        "tmdbId is not a whole number",
    ]


def test_a_release_of_another_format_becomes_tables_without_links(
    spark: SparkSession, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    titles = ["Toy Story (1995)", "Misérables, Les (1995)", "Robot (3000)", "Unknown"]
    flags = ["0001110000000000000", "0000000010000000000", "0" * 19, "1" + "0" * 18]
    items = (
        f"{n}|{title}|01-Jan-1995||http://x|{'|'.join(flag)}\n"
        for n, (title, flag) in enumerate(zip(titles, flags, strict=True), start=1)
    )
    (folder / "u.item").write_bytes("".join(items).encode("latin-1"))
    times = range(881250949, 881250949 + 40)
    rows = [f"{2**63 - 1 - t}\t{t % 4 + 1}\t{t % 5 + 1}\t{t}\n" for t in times]
    (folder / "u.data").write_text("".join([*rows, rows[0], "1\t99\t3\t881250949\n"]))
    with caplog.at_level(logging.INFO, logger="mmdin"):
        tables = ingest(spark, folder, tmp_path / "root", format="ml-100k")
    movies = {m["movie_id"]: m for m in tables.read(schemas.MOVIES).collect()}
    assert [(m["title"], m["release_year"]) for _, m in sorted(movies.items())] == [
        ("Toy Story", 1995), ("Misérables, Les", 1995), ("Robot (3000)", None), ("Unknown", None),
    ]  # fmt: skip
    assert movies[1]["genres"] == ["Animation", "Children's", "Comedy"]
    assert movies[4]["genres"] == []
    users = {r["user_id"] for r in tables.read(schemas.RATINGS).collect()}
    assert users == {2**63 - 1 - t for t in times}
    assert tables.read(schemas.LINKS).isEmpty()
    counts = {tuple(r) for r in tables.read(schemas.INPUT_COUNTS).collect()}
    assert counts == {
        ("movies.csv", "kept", None, 4),
        ("movies.csv", "noted", "the title has no year", 1),
        ("movies.csv", "noted", "the release year is before 1870 or after 2002", 1),
        ("links.csv", "noted", "there is no such file", 0),
        ("ratings.csv", "kept", None, 40),
        ("ratings.csv", "rejected", ratings.SAME, 1),
        ("ratings.csv", "rejected", ratings.UNKNOWN_MOVIE, 1),
    }
    assert "movies.csv:   1 x the title has no year (kept)" in caplog.text


def test_a_file_of_ratings_that_are_there_twice_is_taken(
    spark: SparkSession, tmp_path: Path
) -> None:
    again = ["\ufeff" + GOOD_RATINGS[0], "UserID, MovieID,rating,timestamp"]
    folder = write(tmp_path / "in", ratings=[*GOOD_RATINGS, *again])
    (folder / "ratings.csv").write_text((folder / "ratings.csv").read_text() * 2, newline="\r\n")
    given = Input(movielens=str(folder), max_rejected_share=0)
    sources = find_sources(spark, given)
    judged = judge({source.file: read_rows(spark, source) for source in sources}, given)
    counted = tally(judged)[formats.RATINGS]
    assert (counted.kept, counted.rejected) == (3, {ratings.SAME: 3, HEADER_AGAIN: 2})
    rows = judged[formats.RATINGS]
    refuse_unusable(formats.RATINGS, counted, rows, given, lambda: "")


def test_ratings_far_from_the_top_of_the_scale_are_warned_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for highest, scale, warned in (
        (3.0, RatingScale(), True),
        (5.0, RatingScale(), False),
        (3.0, RatingScale(minimum=1, maximum=3, step=1), False),
    ):
        caplog.clear()
        warn_of_low_ratings(Tally(kept_values=Range(highest=highest)), scale)
        assert ("no rating is above 3" in caplog.text) == warned


def scaled(values: list[str]) -> list[str]:
    return [GOOD_RATINGS[0], *(f"{n},{n % 7 + 1},{v},{10**9}" for n, v in enumerate(values))]


def damage(folder: Path) -> None:
    (folder / "ratings.csv").unlink()
    packed = gzip.compress(text(fields=[FIELDS[0], *FIELDS[1:] * 5_000]).encode(), 1)
    (folder / "ratings.csv.gz").write_bytes(packed[: len(packed) // 2])


def append(name: str, content: bytes) -> Callable[[Path], Any]:
    def change(folder: Path) -> None:
        (folder / name).write_bytes((folder / name).read_bytes() + content)

    return change


def malform(folder: Path) -> None:
    lines = "".join(f"{line}\n" for line in MOVIES[:4]).encode("utf-16")
    (folder / "movies.csv").write_bytes(lines + b"\x00\xd8x\x00\n\x00")


REFUSED: dict[str, tuple[dict[str, list[str]], Callable[[Path], Any] | None, str]] = {
    "1 to 10": (
        {"ratings": scaled([str(n % 10 + 1) for n in range(40)])},
        None,
        r"20 of its 40 rows \(50\.0%\).*input\.max_rejected_share \(5\.0%\).*20 x rating is not "
        r"0\.5 to 5 stars.*values are 1 to 10 in whole numbers: another scale\? .*"
        r"\{minimum: 1, maximum: 10, step: 1\}",
    ),
    "0 to 1": (
        {"ratings": scaled([f"{n / 10}" for n in range(11)])},
        None,
        r"values are 0 to 1: another scale\?.*step: 0\.1",
    ),
    "thumbs": (
        {"ratings": scaled(["0", "1"] * 5)},
        None,
        r"5 of its 10 rows.*values are 0 to 1 in whole numbers: another scale",
    ),
    "movies of another release": (
        {"ratings": [GOOD_RATINGS[0], *(f"1,{n},4,{10**9}" for n in range(1, 15))]},
        None,
        r"7 of its 14 rows .*7 x movieId is not in movies\.csv.*another release\?",
    ),
    "milliseconds": (
        {"ratings": [GOOD_RATINGS[0], "1,1,4,1112486027000"]},
        None,
        "none of its 1 rows can be used.*are these milliseconds",
    ),
    "not UTF-8": (
        {},
        append("movies.csv", "8,Misérables (1998),Drama\n".encode("latin-1")),
        r"movies\.csv: line 9 is not utf-8 text.*input\.encoding",
    ),
    "not UTF-16": ({}, malform, r"movies\.csv: line 5 is not utf-16-le text"),
    "damaged": ({}, damage, r"ratings\.csv\.gz: the file is damaged, or not complete"),
    "concatenated in other orders": (
        {
            "ratings": [
                *(GOOD_RATINGS[0], *(f"{n},1,4,1112486027" for n in range(40))),
                *("movieId,userId,rating,timestamp", "1,50,4,1112486027"),
            ]
        },
        None,
        r"1 x a header whose columns are in another order.*give them as separate files",
    ),
    "line breaks in quotes": (
        {
            "movies": [
                *MOVIES,
                '8,"Title,',
                'second line (1990)",Drama',
                '9,Title (1990),"Drama',
                '"',
            ]
        },
        None,
        r"movies\.csv: 4 of its 11 rows .*4 x a quoted field does not end in its line.*replace "
        r"these by blanks, or write the file as Parquet",
    ),
    "other dates": (
        {"ratings": [GOOD_RATINGS[0], "1,1,4,29/03/2015 09:17"]},
        None,
        r"1 x timestamp is not a time.*dates such as 2015-03-29 09:17:06",
    ),
    "no TMDB ids": (
        {"links": [LINKS[0], "1,0114709,n/a"]},
        None,
        r"links\.csv: none of its 1 rows .*\(or remove it: only the table links needs it\)",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_input_that_would_lose_rows_is_refused_with_the_likely_cause(
    spark: SparkSession, tmp_path: Path, case: str
) -> None:
    files, change, message = REFUSED[case]
    folder = write(tmp_path / "in", **files)
    if change:
        change(folder)
    with pytest.raises(InputDataError, match=message) as error:
        ingest(spark, folder, tmp_path / "root")
    assert "Nothing was written" in str(error.value)
    assert not (tmp_path / "root").exists()
