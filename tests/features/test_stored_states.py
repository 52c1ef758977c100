"""States that newer ratings are added to, against states made from all ratings.

The ratings are in many small blocks, each with its own users and movies, so that a few
Spark jobs try many cases.
"""

import itertools
import random
from dataclasses import replace

import numpy as np
import pytest
from invented_ratings import START, Movie, Rating, movies_table, posters_table, ratings_table
from pyspark.sql import functions as F

from mmdin.features import stored_states
from mmdin.features.biases import Baseline
from mmdin.features.buckets import BUCKETED
from mmdin.features.fitted import Fitted
from mmdin.features.movies import describe_movies
from mmdin.features.neighbours import Similarities
from mmdin.features.states import Knowledge, as_known, states_at
from mmdin.features.stored_states import (
    NotNewerError,
    refresh_states,
    update_states,
    write_states,
)
from mmdin.features.tastes import genre_bits
from mmdin.features.vocabularies import identifiers, look_up
from mmdin.inputs import POSTER_FEATURES
from mmdin.local_rows import local_rows
from mmdin.schemas import KNOWN_RATINGS, MOVIE_STATES, USER_STATES, VOCABULARIES
from mmdin.tables import Tables

USERS, MOVIES, SECONDS, BLOCKS = 4, 8, 5, 30
UNLISTED = 8
"""The movie of each block that is not in table movies."""
ADDED = 100 * BLOCKS
"""A movie without ratings that is listed when the first states are there."""
FIRST, LAST = START + 3, START + SECONDS + 1
GENRES = ("Drama", "Comedy")
OF_STATES = {USER_STATES: "user_id", MOVIE_STATES: "movie_id"}


def of_blocks(seed):
    """Random ratings in a few seconds; users and movies of block b have ids from 100 b."""
    chance = random.Random(seed)
    return tuple(
        Rating(100 * b + u, 100 * b + m, chance.randint(1, 10) / 2, START + second)
        for b, u, m in itertools.product(range(BLOCKS), range(1, USERS + 1), range(1, MOVIES + 1))
        if (second := chance.randint(0, 2 * SECONDS)) <= SECONDS
    )


RATINGS = of_blocks(seed=1)


@pytest.fixture(scope="module")
def tables(spark, tmp_path_factory):
    tables = Tables(spark, str(tmp_path_factory.mktemp("root")))
    keys = {
        "user": [100 * b + u for b in range(BLOCKS) for u in range(1, USERS)],
        "movie": [100 * b + m for b in range(BLOCKS) for m in range(2, MOVIES + 1)],
        "genre": GENRES,
    }
    rows = [(v, str(key), i, 1) for v, known in keys.items() for i, key in enumerate(known, 1)]
    tables.write(VOCABULARIES, local_rows(spark, rows, VOCABULARIES.schema))
    return tables


@pytest.fixture(scope="module")
def fitted(tables):
    similarities = Similarities(np.zeros((2, 2), np.float32), np.zeros((2, 2), np.int32))
    edges = {i.value: [0.5, 1.0, 2.0] for i in BUCKETED}
    rows = tables.read(VOCABULARIES).localCheckpoint()
    return Fitted(rows, edges, Baseline(3.0, 2.0, 1.0), similarities)


@pytest.fixture(scope="module")
def movies(spark, fitted):
    ids = [100 * block + movie for block in range(BLOCKS) for movie in range(1, UNLISTED)]
    listed = {i: Movie(1900 + i % 97, GENRES[: i % 3]) for i in [*ids, ADDED]}
    posters = {i: tuple(i % p / p for p in range(2, 2 + len(POSTER_FEATURES))) for i in ids}
    described = describe_movies(movies_table(spark, listed), posters_table(spark, posters))
    indexed = look_up(described, fitted.vocabularies, identifiers(described.columns))
    return indexed.withColumn("genre_bits", genre_bits()).localCheckpoint()


@pytest.fixture(scope="module")
def knows(spark, movies, fitted):
    """What is known with some ratings."""

    def known(ratings, movies=movies):
        rows = ratings_table(spark, ratings).select(
            "user_id",
            "movie_id",
            "rating",
            F.unix_timestamp("rated_at").alias("seconds"),
            (F.col("rating") >= 3.5).cast("int").alias("label"),
        )
        return Knowledge(as_known(rows), movies, fitted)

    return known


@pytest.fixture(scope="module")
def whole(tables, knows):
    """States of all ratings as of LAST; those as of FIRST are in the tables."""
    known, early = knows(RATINGS), F.col("seconds") == FIRST
    rated = known.ratings.select("user_id", "movie_id", "seconds")
    then, now = (
        rated.where(F.col("seconds") < moment).withColumn("seconds", F.lit(moment).cast("long"))
        for moment in (FIRST, LAST)
    )
    movies = known.movies.select("movie_id", F.lit(LAST).cast("long").alias("seconds"))
    listed = movies.where(F.col("movie_id") != ADDED)
    listed = movies.union(listed.withColumn("seconds", F.lit(FIRST).cast("long")))
    asked = then.union(now)
    of_all = states_at(known, asked, asked.select("movie_id", "seconds").union(listed))
    first = replace(
        of_all,
        users=of_all.users.where(early),
        movies=of_all.movies.where(early),
        compared=of_all.compared.where(F.col("seconds") < FIRST),
    )
    write_states(tables, first)
    return replace(of_all, users=of_all.users.where(~early), movies=of_all.movies.where(~early))


def rows_of(frame, table):
    """Rows by their keys, without what says when and by what they were made."""
    keys = [c for c in ("user_id", "movie_id") if c in table.columns]
    columns = [c for c in table.columns if c not in ("as_of", "encoded_by", "made_by")]
    return {tuple(row[k] for k in keys): row for row in frame.select(*columns).collect()}


def test_states_that_newer_ratings_are_added_to_are_those_of_all_ratings(
    tables, knows, whole, caplog
):
    """Rows and ratings alike, so that the next newer ratings can be added as well."""
    before = {t: rows_of(tables.read(t), t) for t in OF_STATES}
    with caplog.at_level("INFO", stored_states.log.name):
        refresh_states(tables, knows(RATINGS), LAST)
    after = {t: rows_of(tables.read(t), t) for t in OF_STATES}
    assert after[USER_STATES] == rows_of(whole.users, USER_STATES)
    assert after[MOVIE_STATES] == rows_of(whole.movies, MOVIE_STATES)
    known = whole.compared.withColumn("rated_at", F.timestamp_seconds("seconds"))
    assert rows_of(tables.read(KNOWN_RATINGS), KNOWN_RATINGS) == rows_of(known, KNOWN_RATINGS)

    touched = {
        USER_STATES: {(r.user,) for r in RATINGS if r.second >= FIRST},
        MOVIE_STATES: {(r.movie,) for r in RATINGS if r.second >= FIRST} | {(ADDED,)},
    }
    for table, keys in touched.items():
        assert keys - before[table].keys(), "some are new"
        assert keys & before[table].keys(), "some are known"
        assert before[table].keys() - keys, "some are unchanged"
        changed = {key for key, row in after[table].items() if before[table].get(key) != row}
        assert changed == keys
    newer = [r for r in RATINGS if r.second >= FIRST]
    users, listed = (len(keys) for keys in touched.values())
    assert f"{len(newer)} newer ratings, {users} users and {listed} movies" in caplog.text


def test_states_are_made_from_all_ratings_if_more_than_newer_ones_are_new(
    tables, knows, movies, whole, tmp_path, monkeypatch
):
    def refused(ratings=RATINGS, movies=movies, seconds=LAST, tables=tables):
        with pytest.raises(NotNewerError) as refusal:
            update_states(tables, knows(ratings, movies), seconds)
        return str(refusal.value)

    assert refused(tables=Tables(tables.spark, str(tmp_path))) == "there are none yet"
    assert "are of a later moment, 2001-09-09T01:46:4" in refused(seconds=FIRST - 1)
    earliest = min(RATINGS, key=lambda r: r.second)
    others = tuple(r for r in RATINGS if r != earliest)
    assert "ratings before 2001-09-09T01:46:4" in refused(others)
    assert "ratings before" in refused((*others, replace(earliest, stars=5.5 - earliest.stars)))
    other_year = F.when(F.col("movie_id") == 1, 1850).otherwise(F.col("release_year"))
    other = movies.withColumn("release_year", other_year)
    assert "years, genres or posters of movies" in refused(movies=other)
    made = []
    monkeypatch.setattr(stored_states, "states_as_of", lambda *of: of)
    monkeypatch.setattr(stored_states, "write_states", lambda *written: made.append(written))
    monkeypatch.setattr(stored_states, "digest_module", lambda *code, within: "other")
    assert "made by other code, or not written to their end" in refused()
    refresh_states(tables, known := knows(RATINGS), LAST)
    assert made == [(tables, (known, [LAST]))]
    monkeypatch.setattr(stored_states, "identify_encoding", lambda tables: "other")
    assert "encoded as earlier samples are" in refused()
