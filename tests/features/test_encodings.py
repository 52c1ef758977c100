"""Vocabularies and buckets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import functions as F

from mmdin.features.buckets import (
    BUCKETED,
    add_buckets,
    edges_from_rows,
    edges_to_rows,
    quantile_edges,
)
from mmdin.features.split import SPLITS
from mmdin.features.vocabularies import (
    fit_vocabularies,
    identifiers,
    look_up,
    vocabulary_rows,
)

NUMBERS = st.lists(st.integers(-50, 50) | st.floats(-1e6, 1e6), min_size=1, max_size=60)


@given(values=NUMBERS, buckets=st.integers(2, 12))
def test_edges_are_numpys_quantiles_without_empty_buckets(values, buckets):
    values = np.array(values, dtype=float)
    edges = quantile_edges(values, buckets)
    shares = np.arange(1, buckets) / buckets
    quantiles = set(np.quantile(values, shares, method="inverted_cdf"))
    assert edges == sorted(quantiles - {values.min()})
    occupied = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
    assert (occupied > 0).all()


def test_many_different_numbers_fill_buckets_evenly():
    values = np.random.default_rng(0).normal(size=10_000)
    edges = quantile_edges(values, 20)
    sizes = np.bincount(np.searchsorted(edges, values, side="right"))
    assert sizes.size == 20
    assert sizes.max() - sizes.min() <= 2


@pytest.mark.parametrize("values", [[], [np.nan], [3.0], [3.0, 3.0, np.nan]])
def test_a_constant_has_no_inner_edges(values):
    assert quantile_edges(np.array(values, dtype=float), 5) == []


def test_edges_survive_their_table(spark):
    edges = {"release_year": [1950.0, 1980.5, 2000.0], "hour_of_day": [], "day_of_week": [1e-17]}
    assert edges_from_rows(edges_to_rows(spark, edges)) == edges


def test_bucket_is_one_more_than_the_edges_at_or_below(spark):
    edges = {i.value: [2.0, 4.0] for i in BUCKETED} | {"hour_of_day": []}
    values = [None, float("nan"), -1.0, 1.9, 2.0, 3.0, 4.0, 1e9]
    rows = spark.createDataFrame([(v,) for v in values], "value double").coalesce(1)
    rows = rows.select(*(F.col("value").alias(i.value) for i in BUCKETED))
    found = add_buckets(rows, edges).collect()
    assert [r["release_year_bucket"] for r in found] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert [r["hour_of_day_bucket"] for r in found] == [0, 0, 1, 1, 1, 1, 1, 1]


def test_vocabulary_orders_by_rows_and_numbers_as_numbers(spark):
    rows = spark.createDataFrame(
        [
            (10, "b", "a", "train", 1),
            (9, "b", None, "train", 0),
            (9, "c", "a", "train", 1),
            (100, None, None, "train", 1),
            (10, "b", None, "train", 1),
            (10, "d", None, "test", 1),
            (8, "c", None, "test", 0),
            (8, "c", None, "test", 1),
        ],
        "user_id long, genre_1 string, genre_2 string, split string, label int",
    ).withColumn("rating", F.lit(4.0))
    fitted = fit_vocabularies(rows).localCheckpoint()
    vocabularies = vocabulary_rows(fitted).orderBy("vocabulary", "index").collect()
    assert [tuple(row) for row in vocabularies] == [
        ("genre", "b", 1, 3),
        ("genre", "a", 2, 2),
        ("genre", "c", 3, 1),
        ("user", "9", 1, 2),
        ("user", "10", 2, 2),
        ("user", "100", 3, 1),
    ]
    user = fitted.where("vocabulary = 'user' AND key = '8'").collect()[0].asDict()
    assert user == {
        **{f"{split}_{count}": 0 for split in SPLITS for count in ("rows", "positives")},
        "vocabulary": "user",
        "key": "8",
        "index": None,
        "test_rows": 2,
        "test_positives": 1,
        "stars": None,
        "squares": None,
    }


def test_unseen_and_missing_are_0(spark):
    schema = "user_id long, genre_1 string, genre_2 string, split string, label int"
    training = [(1, "a", "b"), (2, "a", None), (2, None, None)]
    held_out = [(1, "a", None), (2, None, "b"), (3, "z", "a")]
    rows = spark.createDataFrame(
        [(*r, "train", 1) for r in training] + [(*r, "test", 1) for r in held_out], schema
    ).withColumn("rating", F.lit(4.0))
    wanted = identifiers(rows.columns)
    found = look_up(rows, fit_vocabularies(rows), wanted).where("split = 'test'")
    indices = found.select("user_id", "user_index", "genre_1_index", "genre_2_index").collect()
    assert sorted(map(tuple, indices)) == [(1, 2, 1, 0), (2, 1, 0, 2), (3, 0, 0, 1)]
