"""Pairs from files and tables: which can be used, and why others cannot."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from mmdin.config import Input
from mmdin.errors import InputDataError
from mmdin.ingest.pairs import IMPOSSIBLE_TIME, NOT_A_TIME, TWICE, read_pairs

LINES = {
    "1,10,2015-03-29 09:17:06": TWICE,
    "1,10,1427620627": None,
    "2.0,11,": None,
    "1,10,1427620626": None,
    "x,10,": "user_id is not a whole number",
    "1,,": "movie_id is not a whole number",
    "1,10,yesterday": NOT_A_TIME,
    "1,10,1427620626000": IMPOSSIBLE_TIME,
    "1,10": "wrong number of fields",
    "userId,movieId,ratedAt": "the header again",
}


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.csv"
    path.write_text("\n".join(("userId,movieId,ratedAt", *LINES)) + "\n")
    return path


def test_each_line_of_a_file_is_a_pair_or_rejected_with_a_reason(
    spark: SparkSession, csv: Path
) -> None:
    rows = read_pairs(spark, str(csv), Input(), "predict.pairs").collect()
    assert {row["line"]: row["reason"] for row in rows} == {
        line: reason for line, reason in LINES.items() if line != "userId,movieId,ratedAt"
    }
    kept = {(r["user_id"], r["movie_id"], r["seconds"]) for r in rows if r["reason"] is None}
    assert kept == {(1, 10, 1427620626), (1, 10, 1427620627), (2, 11, None)}


def test_parquet_delta_and_tables_hold_pairs_too(spark: SparkSession, tmp_path: Path) -> None:
    stored = spark.createDataFrame([(1, 10), (2, None)], "user_id int, movie_id long").coalesce(1)
    stored.write.parquet(str(tmp_path / "parquet"))
    moment = F.timestamp_seconds(F.lit(1427620626)).alias("rated_at")
    stored.select("*", moment).write.format("delta").save(str(tmp_path / "delta"))
    stored.createOrReplaceTempView("some_pairs")
    for place, seconds in (
        (str(tmp_path / "parquet"), None),
        (str(tmp_path / "delta"), 1427620626),
        ("some_pairs", None),
    ):
        rows = read_pairs(spark, place, Input(), "predict.pairs").collect()
        assert {(r["user_id"], r["movie_id"], r["seconds"], r["reason"]) for r in rows} == {
            (1, 10, seconds, None),
            (2, None, seconds, "movie_id is not a whole number"),
        }


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("", "", "no pairs are given: add --set predict.pairs=FILE"),
        ("absent.csv", None, "there is no such file, folder or table: set predict.pairs"),
        ("absent", None, "there is no such file, folder or table: set predict.pairs"),
        ("folder/_SUCCESS", "", "the folder has no files: set predict.pairs to another"),
        ("empty.csv", "", "the file is empty; set predict.pairs to a file with columns user_id"),
        ("other.csv", "user,film\n1,2\n", "has no header.*must name user_id, movie_id"),
        ("half.csv", "user_id,film\n1,2\n", "the header has no column movie_id"),
        ("page.pdf", "%PDF-1.7", "is not text but a PDF"),
    ],
)
def test_what_holds_no_pairs_is_refused_in_one_message(
    spark: SparkSession, tmp_path: Path, name: str, content: str | None, message: str
) -> None:
    path = tmp_path / name
    if content is not None and name:
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    place = str(path.parent if name.startswith("folder") else path) if name else ""
    with pytest.raises(InputDataError, match=message):
        read_pairs(spark, place, Input(), "predict.pairs")
