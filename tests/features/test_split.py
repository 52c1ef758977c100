"""Splits by time and at random."""

import pytest
from pyspark.sql import functions as F

from mmdin.config import Samples
from mmdin.features.split import instants_at, split_by_time, split_into_folds


def counts(rows, *columns):
    return {tuple(r[:-1]): r[-1] for r in rows.groupBy(*columns).count().collect()}


def rows_at(spark, seconds):
    return spark.createDataFrame(
        [(i, i % 7, s) for i, s in enumerate(seconds)], "user_id long, movie_id long, seconds long"
    )


def test_split_by_time_cuts_at_exact_quantiles(spark):
    rows = split_by_time(
        rows_at(spark, [86_000 + 10 * i for i in range(100)]),
        Samples(validation_fraction=0.1, test_fraction=0.2),
    )
    assert counts(rows, "split") == {("train",): 70, ("validation",): 10, ("test",): 20}
    bounds = rows.groupBy("split").agg(F.min("seconds"), F.max("seconds")).collect()
    assert {r[0]: (r[1], r[2]) for r in bounds} == {
        "train": (86_000, 86_690),
        "validation": (86_700, 86_790),
        "test": (86_800, 86_990),
    }


@pytest.mark.parametrize(
    ("seconds", "share", "expected"),
    [
        ([5], 0.5, 5),
        ([1, 2, 3, 4], 0.5, 3),
        ([1, 1, 1, 4], 0.5, 1),
        ([-90_000, -1, 0, 200_000], 0.25, -1),
        ([-90_000, -1, 0, 200_000], 0.99, 200_000),
        ([3, 2, 1], 0.0, 1),
    ],
)
def test_instant_is_that_of_the_row_at_the_share(spark, seconds, share, expected):
    assert instants_at(rows_at(spark, seconds), [share]) == [expected]


def test_an_instant_is_never_divided(spark):
    rows = split_by_time(rows_at(spark, [i // 9 for i in range(100)]), Samples())
    of_an_instant = rows.groupBy("seconds").agg(F.count_distinct("split").alias("splits"))
    assert of_an_instant.where("splits > 1").count() == 0


def test_split_at_random_keeps_to_its_shares(spark):
    samples = Samples(validation_fraction=0.1, test_fraction=0.2, folds=4)
    rows = rows_at(spark, range(20_000))
    parts = split_into_folds(rows, samples, seed=1)
    found = counts(parts, "split", "sees")
    assert found["test", -1] == pytest.approx(4000, rel=0.05)
    assert found["validation", -1] == pytest.approx(2000, rel=0.08)
    for fold in range(4):
        assert found["train", fold] == pytest.approx(3500, rel=0.08)
    assert len(found) == 6

    other = split_into_folds(rows, samples, seed=2).select("user_id", F.col("split").alias("other"))
    moved = parts.join(other, "user_id", how="inner").where("split = 'test' and other = 'test'")
    assert moved.count() == pytest.approx(20_000 * 0.2 * 0.2, rel=0.15)


def test_a_training_row_is_seen_by_all_but_its_own_fold(spark):
    rows = split_into_folds(rows_at(spark, range(300)), Samples(folds=3), seed=1)
    for row in rows.collect():
        if row["split"] == "train":
            assert sorted([*row["seen_by"], row["sees"]]) == [-1, 0, 1, 2]
            assert row["in_history"]
        else:
            assert row["seen_by"] is None and row["sees"] == -1
            assert not row["in_history"]
