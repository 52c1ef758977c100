"""Slices of test rows and counts of splits, by hand."""

import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from mmdin.evaluation.counts import count_splits
from mmdin.evaluation.slices import describe_slices, number_slices, rows_of_slices
from mmdin.schemas import SAMPLES, SPLIT_COUNTS

START = datetime.datetime(2020, 1, 1)


def samples(spark: SparkSession, rows: list[dict[str, Any]]) -> DataFrame:
    filled = [tuple({"rated_at": START, **row}.get(c) for c in SAMPLES.columns) for row in rows]
    table = spark.createDataFrame(filled, SAMPLES.schema)
    return table.withColumns({"samples": F.lit("x"), "protocol": F.lit("random")})


def test_each_row_is_in_its_slices(spark: SparkSession) -> None:
    warm = {
        "user_id": 1,
        "movie_id": 7,
        "user_index": 3,
        "movie_index": 5,
        "user_rating_count": 20,
        "movie_rating_count": 101,
        "release_year": 1999,
        "genres": "Comedy|Film-Noir",
        "saturation_mean": 0.2,
    }
    cold = {
        "user_id": 2,
        "movie_id": 8,
        "user_index": 0,
        "movie_index": 0,
        "user_rating_count": 0,
        "movie_rating_count": 0,
        "genres": "",
    }
    unlisted = {
        **warm,
        "user_id": 3,
        "user_rating_count": 21,
        "movie_rating_count": 100,
        "genres": None,
        "release_year": 2000,
    }
    described = describe_slices(samples(spark, [warm, cold, unlisted])).collect()
    assert [row["samples"] for row in described] == ["x"] * 3
    found = {row["user_id"]: {tuple(named) for named in row["slices"]} for row in described}
    assert found[1] == {
        ("all", "all"),
        ("user", "known"),
        ("movie", "known"),
        ("user activity", "1 to 20"),
        ("movie popularity", "101 or more"),
        ("release decade", "1990s"),
        ("poster", "with"),
        ("genre", "Comedy"),
        ("genre", "Film-Noir"),
    }
    assert found[2] == {
        ("all", "all"),
        ("user", "new"),
        ("movie", "new"),
        ("user activity", "0 (cold)"),
        ("movie popularity", "0 (cold)"),
        ("release decade", "unknown"),
        ("poster", "without"),
        ("genre", "unknown"),
    }
    assert {
        ("user activity", "21 or more"),
        ("movie popularity", "21 to 100"),
        ("release decade", "2000s"),
        ("genre", "unknown"),
    } < found[3]


def test_numbers_of_slices_have_their_names(spark: SparkSession) -> None:
    known = {"user_id": 1, "movie_id": 7, "user_index": 3, "genres": "Comedy|Film-Noir"}
    described = describe_slices(samples(spark, [known, {**known, "user_id": 2, "user_index": 0}]))
    numbered, names = number_slices(described)
    assert numbered.columns == described.columns
    named = {r["user_id"]: [names[number] for number in r["slices"]] for r in numbered.collect()}
    assert named == {r["user_id"]: [tuple(s) for s in r["slices"]] for r in described.collect()}


def test_rows_of_slices_are_those_of_a_loop() -> None:
    generator = np.random.default_rng(3)
    rows = [[int(generator.integers(3)) + 10 * d for d in range(n % 4)] for n in range(50)]
    expected: dict[int, list[int]] = {}
    for n, numbers in enumerate(rows):
        for number in numbers:
            expected.setdefault(number, []).append(n)
    parts = [pa.array(rows[:17]), pa.array(rows).slice(17, 20), pa.array(rows[37:])]
    found = rows_of_slices(pa.chunked_array(parts))
    assert {number: list(at) for number, at in found.items()} == expected


def test_cold_users_and_movies_are_counted(spark: SparkSession) -> None:
    day = datetime.timedelta(days=1)
    rows = [
        {"split": "train", "user_id": 1, "movie_id": 1, "label": 1},
        {"split": "train", "user_id": 1, "movie_id": 2, "label": 0},
        {"split": "test", "user_id": 1, "movie_id": 3, "label": 1, "rated_at": START + day},
        {"split": "test", "user_id": 2, "movie_id": 3, "label": 1, "rated_at": START + 2 * day},
        {"split": "test", "user_id": 2, "movie_id": 1, "label": 0, "rated_at": START + 3 * day},
    ]
    counts = count_splits(samples(spark, rows))
    assert set(counts.columns) == set(SPLIT_COUNTS.columns)
    found = {r["split"]: r for r in counts.collect()}
    test = found["test"]
    assert (test["rows"], test["positives"], test["users"], test["movies"]) == (3, 2, 2, 2)
    assert (test["cold_users"], test["cold_movies"]) == (1, 1)
    assert (found["train"]["cold_users"], found["train"]["cold_movies"]) == (0, 0)
    assert test["first_rated_at"] == START + day
    assert test["last_rated_at"] == START + 3 * day
