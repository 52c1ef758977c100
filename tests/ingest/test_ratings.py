"""MovieLens' files, good and bad, become the tables ratings, movies, links and rejected_rows."""

import codecs
import logging
from datetime import datetime
from pathlib import Path

import pytest
from movielens_files import GOOD_RATINGS, LINKS, MOVIES, ingest, rows_of, write
from pyspark.sql import DataFrame, SparkSession

from mmdin import schemas
from mmdin.config import RatingScale
from mmdin.errors import InputDataError
from mmdin.ingest import formats, links, movies, ratings, rejection
from mmdin.ingest.movies import SECOND_ROW
from mmdin.ingest.tallies import ReadCounter
from mmdin.tables import Tables

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "ml-20m-users-1-1000"


def rejected(tables: Tables) -> set[tuple[str, str, str]]:
    rows = tables.read(schemas.REJECTED_ROWS).collect()
    rejected = {(r["file"], r["line"], r["reason"]) for r in rows}
    assert len(rejected) == len(rows)
    return rejected


def test_good_files_become_tables(spark: SparkSession, tmp_path: Path) -> None:
    tables = ingest(spark, write(tmp_path / "in", "\r\n", codecs.BOM_UTF8), tmp_path / "root")
    assert sorted(map(tuple, tables.read(schemas.RATINGS).collect())) == [
        (1, 1, 4.0, datetime(2001, 9, 9, 1, 46, 39)),
        (1, 2, 3.5, datetime(2005, 4, 2, 23, 53, 47)),
        (2, 7, 0.5, datetime(2001, 9, 9, 1, 46, 40)),
    ]
    assert sorted(map(tuple, tables.read(schemas.MOVIES).collect())) == [
        (1, "Toy Story", 1995, ["Adventure", "Animation"]),
        (2, "American President, The", 1995, ["Comedy"]),
        (3, 'Say "Hello", World (Bonjour)', 2001, []),
        (4, "Babylon 5", None, ["Sci-Fi"]),
        (5, "Fawlty Towers", 1975, ["Comedy"]),
        (6, "Big Bang Theory", 2007, ["Comedy"]),
        (7, "2001: A Space Odyssey", 1968, ["Drama", "Sci-Fi"]),
    ]
    assert sorted(map(tuple, tables.read(schemas.LINKS).collect())) == [
        (1, "0114709", 862),
        (2, "0112346", None),
    ]
    assert rejected(tables) == set()


NOT_STARS = ratings.not_on_scale(RatingScale())
BAD_RATINGS = {
    "1,2": rejection.WRONG_FIELDS,
    "1,2,3.5,1112486027,9": rejection.WRONG_FIELDS,
    '"1,2,3.5,1112486027': rejection.BROKEN_FIELD,
    '3,2,3.5,"1112486027': rejection.BROKEN_FIELD,
    '3,2","3.5"': rejection.BROKEN_FIELD,
    "one,2,3.5,1112486027": "userId is not a whole number",
    ",2,3.5,1112486027": "userId is not a whole number",
    "1.5,2,3.5,1112486027": "userId is not a whole number",
    "3,two,3.5,1112486027": "movieId is not a whole number",
    "3,2,four,1112486027": "rating is not a number",
    "3,2,NaN,1112486027": "rating is not a number",
    "3,2,,1112486027": "rating is not a number",
    "3,2,3.5,02/04/2005 23:53:47": ratings.NOT_A_TIME,
    "3,2,3.5,2005-02-30": ratings.NOT_A_TIME,
    "3,2,3.5,": ratings.NOT_A_TIME,
    "3,2,0,1112486027": NOT_STARS,
    "3,2,5.5,1112486027": NOT_STARS,
    "3,2,-1,1112486027": NOT_STARS,
    "3,2,3.7,1112486027": NOT_STARS,
    "3,2,3.5,788918399": ratings.IMPOSSIBLE_TIME,
    "3,2,3.5,-1112486027": ratings.IMPOSSIBLE_TIME,
    "3,2,3.5,4102444800": ratings.IMPOSSIBLE_TIME,
    "3,99,3.5,1112486027": ratings.UNKNOWN_MOVIE,
    "4,1,5,1000000001": ratings.REPEATED,
    "4,1,4.5,1000000002": ratings.REPEATED,
    "4,1,5,1000000002,": rejection.WRONG_FIELDS,
    "4,2,3.0,1000000002": ratings.SAME,
}
GOOD_AMONG_BAD = [
    "4,1,5,1000000002",
    '"4","2","3","1000000002"',
    '3,2,"5,0",788918400',
    "3,1,0.5,4102444799",
]


def test_bad_ratings_are_rejected_with_their_reason_on_every_run(
    spark: SparkSession, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = [GOOD_RATINGS[0], *BAD_RATINGS, "", *GOOD_AMONG_BAD, GOOD_RATINGS[0], "  "]
    folder = write(tmp_path / "in", ratings=lines)
    with caplog.at_level(logging.INFO, logger="mmdin"):
        tables = ingest(spark, folder, tmp_path / "root", max_rejected_share=1)
    assert rejected(tables) == {("ratings.csv", line, why) for line, why in BAD_RATINGS.items()}
    assert tables.read(schemas.RATINGS).count() == len(GOOD_AMONG_BAD)
    read = len(BAD_RATINGS) + len(GOOD_AMONG_BAD)
    assert f"ratings.csv: {read} rows read = 4 kept + {len(BAD_RATINGS)} rejected" in caplog.text
    assert f"ratings.csv:   4 x {NOT_STARS}" in caplog.text
    ingest(spark, folder, tmp_path / "root", max_rejected_share=1)
    for table in (schemas.RATINGS, schemas.REJECTED_ROWS):
        assert tables.version(table) == 1
        first, second = tables.read(table, 0).collect(), tables.read(table, 1).collect()
        assert sorted(map(tuple, first)) == sorted(map(tuple, second))


def reasons(judged: DataFrame) -> dict[str, str]:
    return {r["line"]: r["reason"] for r in judged.collect() if r["reason"] is not None}


def test_bad_movies_are_rejected_with_their_reason(spark: SparkSession, tmp_path: Path) -> None:
    bad = {
        "x,Title (1990),Drama": "movieId is not a whole number",
        "8,Title, The (1990),Drama": rejection.WRONG_FIELDS,
        "1,Toy Story again (1995),Drama": SECOND_ROW,
    }
    folder = write(tmp_path / "in", movies=[*MOVIES, *bad])
    rows = rows_of(spark, folder, formats.MOVIES)
    assert reasons(movies.judge_movies(rows)) == bad


def test_bad_links_are_rejected_with_their_reason(spark: SparkSession, tmp_path: Path) -> None:
    bad = {
        "x,0114709,862": "movieId is not a whole number",
        "3,ttx,862": "imdbId is not a whole number",
        "4,0114709,n/a": "tmdbId is not a whole number",
        "2,0999999,": SECOND_ROW,
    }
    folder = write(tmp_path / "in", links=[*LINKS, *bad])
    rows = rows_of(spark, folder, formats.LINKS)
    assert reasons(links.judge_links(rows)) == bad


@pytest.mark.parametrize("ending", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8], ids=["no mark", "mark"])
def test_columns_are_found_by_name(
    spark: SparkSession, tmp_path: Path, ending: str, mark: bytes
) -> None:
    lines = ["timestamp,a note,rating,movieId,userId", "1112486027,a,3.5,2,1"]
    folder = write(tmp_path / "in", ending, mark, ratings=lines)
    rows = rows_of(spark, folder, formats.RATINGS)
    assert [tuple(r) for r in rows.collect()] == [
        (lines[1], True, True, "1", "2", "3.5", "1112486027")
    ]


def test_a_lost_row_is_noticed(spark: SparkSession) -> None:
    counter = ReadCounter(spark.range(3).toDF("line"))
    counter.rows.where("line > 0").collect()
    counter.check("ratings.csv", 3)
    with pytest.raises(RuntimeError, match=r"ratings\.csv: 3 rows were read, but 2 judged"):
        counter.check("ratings.csv", 2)


BAD_INPUT = {
    "no option": ({}, None, r"--set input\.movielens=DIR"),
    "no folder": ({}, "missing", r"missing/movies\.csv: there is no such file; set input"),
    "empty file": ({"ratings": []}, "in", r"ratings\.csv: the file is empty"),
    "no column": (
        {"ratings": ["userId,movieId,rating", "1,2,3"]},
        "in",
        r"ratings\.csv: the header has no column timestamp; its columns are userId, movieId",
    ),
    "column twice": (
        {"links": ["movieId,imdbId,tmdbId,imdbId", "1,1,1,1"]},
        "in",
        r"links\.csv: the header has column imdbId twice",
    ),
    "only a header": ({"movies": MOVIES[:1]}, "in", r"movies\.csv: has no rows"),
    "all bad": (
        {"ratings": [GOOD_RATINGS[0], "1,2", "1,2,9,1112486027"]},
        "in",
        r"ratings\.csv: none of its 2 rows can be used: 1 x rating is not .*; 1 x wrong number",
    ),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_unusable_input_stops_the_job_and_writes_nothing(
    spark: SparkSession, tmp_path: Path, case: str
) -> None:
    files, folder, message = BAD_INPUT[case]
    write(tmp_path / "in", **files)
    with pytest.raises(InputDataError, match=message):
        ingest(spark, tmp_path / folder if folder else "", tmp_path / "root")
    assert not (tmp_path / "root").exists()


@pytest.mark.skipif(not REAL.is_dir(), reason=f"real ratings are not at {REAL}")
@pytest.mark.usefixtures("generated_code")  # There are enough rows to repay it.
def test_real_ratings(spark: SparkSession, tmp_path: Path) -> None:
    tables = ingest(spark, REAL, tmp_path)
    assert tables.read(schemas.RATINGS).count() == 150_629
    assert tables.read(schemas.MOVIES).count() == 27_278
    assert tables.read(schemas.REJECTED_ROWS).isEmpty()
