"""The whole stage, against features worked out one rating at a time."""

import math
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlparse

import pyarrow.parquet as pq
import pytest
from invented_ratings import Rating
from pyspark.sql import functions as F
from slow_features import slow_edges, slow_encoding, slow_values, slow_vocabularies

from mmdin.errors import InputDataError
from mmdin.features.movies import describe_movies
from mmdin.features.scope import keep_in_scope, label_ratings
from mmdin.features.split import ALL_TRAINING_ROWS, SPLITS, split_rows
from mmdin.hashing import hashed_order
from mmdin.schemas import (
    BUCKET_EDGES,
    MOVIE_SIMILARITIES,
    MOVIES,
    POSTER_FEATURES,
    RATINGS,
    SAMPLE_VALUES,
    SAMPLES,
    VOCABULARIES,
)


def test_features_by_time_are_those_of_strictly_earlier_ratings(by_time):
    def earlier(row, other):
        return other.second < row.second

    def earlier_than_the_rating(row, rating, other):
        return other.second < rating.second

    knows = (earlier, earlier, earlier_than_the_rating)
    assert_as_worked_out(by_time, slow_values(by_time.world, *knows, trained_on(by_time)))


@pytest.mark.usefixtures("generated_code")
def test_random_statistics_are_out_of_fold_and_histories_of_training_rows(build, world):
    built = build(world, protocol="random")
    sees = views(built)

    def in_another_fold(row, other):
        return sees[other.key] != ALL_TRAINING_ROWS and sees[other.key] != sees[row.key]

    def earlier_training_row(row, other):
        return sees[other.key] != ALL_TRAINING_ROWS and other.second < row.second

    def another_in_another_fold(row, rating, other):
        return in_another_fold(row, other) and other != rating

    knows = (in_another_fold, earlier_training_row, another_in_another_fold)
    assert_as_worked_out(built, slow_values(built.world, *knows, trained_on(built)))


def test_leaky_statistics_are_of_all_rows(build, world):
    built = build(world, protocol="leaky")
    knows = (
        lambda row, other: True,
        lambda row, other: other.second < row.second,
        lambda row, rating, other: other != rating,
    )
    assert_as_worked_out(built, slow_values(built.world, *knows, trained_on(built)))


def test_files_are_even_and_ordered_by_chance(by_time):
    files = laid_out(by_time)
    for split in SPLITS:
        sizes = [len(rows) for name, rows in files.items() if f"split={split}/" in name]
        assert len(sizes) == by_time.config.samples.files
        assert min(sizes) > 0.5 * sum(sizes) / len(sizes)
    order = F.struct(
        hashed_order(by_time.config.seed, "order").alias("order"), "user_id", "movie_id"
    )
    rows = by_time.tables.read(SAMPLES).select(order.alias("row"))
    places = {(r.row.user_id, r.row.movie_id): r.row.order for r in rows.collect()}
    for rows in files.values():
        in_file = [places[row["user_id"], row["movie_id"]] for row in rows]
        assert in_file == sorted(in_file)


@pytest.fixture(scope="module")
def with_other_test_rows(build, by_time):
    """Built again of ratings in another order, of which those that are not trained on differ."""
    held_out = {key for key, row in by_time.samples().items() if row["split"] != "train"}
    world = by_time.world.with_other_stars(held_out).shuffled()
    return build(world, protocol="point_in_time")


def test_nothing_is_fitted_on_tested_rows(by_time, with_other_test_rows):
    for table in (VOCABULARIES, BUCKET_EDGES, MOVIE_SIMILARITIES):
        before, after = (b.rows(table) for b in (by_time, with_other_test_rows))
        assert sorted(map(str, after)) == sorted(map(str, before))
    assert with_other_test_rows.samples() != by_time.samples()


def test_rerun_gives_the_same_rows_in_the_same_files(by_time, with_other_test_rows):
    before, after = laid_out(by_time), laid_out(with_other_test_rows)
    assert set(after) == set(before)
    for name, rows in after.items():
        if "split=train/" in name:
            assert rows == before[name]
        else:
            assert keys(rows) == keys(before[name])


def keys(rows):
    return [(row["user_id"], row["movie_id"]) for row in rows]


@pytest.mark.parametrize(
    ("ratings", "options", "message"),
    [
        ([], {}, "none of 0 ratings is in scope"),
        ([Rating(1, 9, 5.0, 100)], {"max_movie_id": 8}, "none of 1 ratings is in scope"),
        ([Rating(1, m, 5.0, 100) for m in (2, 3, 4)], {}, "no train rows"),
        ([Rating(1, m, 5.0, 100 + m) for m in range(2, 20)], {}, "same label"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(build, world, ratings, options, message):
    with pytest.raises(InputDataError, match=message):
        build(replace(world, ratings=tuple(ratings)), **options)


def test_few_spark_jobs_are_started(by_time):
    assert by_time.jobs <= 34


def assert_as_worked_out(built, expected):
    """Every readable and every encoded column of every row."""
    samples = built.samples()
    assert len(samples) == len(expected)
    training = [r for r in expected if samples[r["user_id"], r["movie_id"]]["split"] == "train"]
    vocabularies = slow_vocabularies(training)
    # Edges are compared to the last digit of the numbers that they are taken from.
    edges = slow_edges(
        [samples[r["user_id"], r["movie_id"]] for r in training], built.config.samples.buckets
    )
    for row in expected:
        sample = samples[row["user_id"], row["movie_id"]]
        for name in ("rating", "label", "half_stars", *(column[0] for column in SAMPLE_VALUES)):
            assert_same(sample[name], row[name], name)
        encoded = slow_encoding({**row, **sample}, vocabularies, edges)
        assert {name: sample[name] for name in encoded} == encoded


def assert_same(got, expected, name):
    if isinstance(expected, float):
        assert got is not None and math.isclose(got, expected, rel_tol=1e-9, abs_tol=1e-9), name
    else:
        assert got == expected, name


def trained_on(built):
    samples = built.samples()
    return [r for r in built.world.ratings if samples[r.key]["split"] == "train"]


def views(built):
    """The view that each row's statistics are taken from, by user and movie."""
    tables, config = built.tables, built.config
    movies = describe_movies(tables.read(MOVIES), tables.read(POSTER_FEATURES))
    labelled = label_ratings(tables.read(RATINGS), movies, config.samples, config.seed)
    rows = split_rows(keep_in_scope(labelled), config.samples, config.seed).collect()
    return {(row["user_id"], row["movie_id"]): row["sees"] for row in rows}


def laid_out(built):
    """Rows in the order of their files, by split and number of the file."""
    tables = built.tables
    data_files = tables.files(SAMPLES, tables.version(SAMPLES), "true")
    paths = [Path(urlparse(file.url).path) for file in data_files]
    return {
        f"{path.parent.name}/{path.name.split('-')[1]}": pq.ParquetFile(path).read().to_pylist()
        for path in sorted(paths)
    }
