"""States against samples: what is known of a user and a movie is what a row of then knew."""

from typing import Any

import pytest
from invented_ratings import START
from pyspark.sql import functions as F

from mmdin.features.fitted import read_fitted
from mmdin.features.history import HISTORY
from mmdin.features.past import LATEST
from mmdin.features.states import (
    Knowledge,
    gather_knowledge,
    join_states,
    states_as_of,
    states_at,
)
from mmdin.features.stored_states import write_states
from mmdin.fingerprints import sample_versions
from mmdin.inputs import INPUTS, NUMBERS, SIDES
from mmdin.schemas import MOVIE_STATES, RATINGS, SAMPLES, USER_STATES

OF_THE_RATING = ("rating", "label", "half_stars", "split")
KNOWN = [c for c in SAMPLES.columns if c not in OF_THE_RATING]
ENCODED = {*(i.column for i in INPUTS), *(n.column for n in NUMBERS)}
LATER = START + 200_000
NOBODY, NOTHING = 999, 998
"""A user who has not rated; a movie that is not listed, has no poster and has not been rated."""


@pytest.fixture(scope="module")
def knowledge(by_time) -> Knowledge:
    tables, config = by_time.tables, by_time.config
    fitted = read_fitted(tables, sample_versions(tables))
    return gather_knowledge(tables, tables.read(RATINGS), config.samples, config.seed, fitted)


@pytest.fixture(scope="module")
def asked(spark, by_time, knowledge) -> list[dict[str, Any]]:
    """What is known of the pairs of samples at their seconds, and of others after the last."""
    samples = by_time.tables.read(SAMPLES)
    pairs = samples.select("user_id", "movie_id", F.unix_timestamp("rated_at").alias("seconds"))
    pairs = pairs.unionByName(later_pairs(spark)).localCheckpoint()
    described = join_states(pairs, states_at(knowledge, pairs, pairs))
    return [row.asDict() for row in described.select("seconds", *KNOWN).collect()]


def later_pairs(spark):
    pairs = [(user, movie, LATER) for user in (NOBODY, 7, 14) for movie in (NOTHING, 2, 3, 14)]
    return spark.createDataFrame(pairs, "user_id long, movie_id long, seconds long")


def test_states_at_the_seconds_of_samples_know_what_samples_know_digit_for_digit(by_time, asked):
    """But for neighbour_bias of training rows: states do not leave the row's user out of it."""
    found = {by_key(row): known(row) for row in asked if row["seconds"] != LATER}
    assert len(found) == len(by_time.world.ratings)
    samples = by_time.samples()
    for key, row in found.items():
        if samples[key]["split"] == "train":
            row["neighbour_bias"] = samples[key]["neighbour_bias"]
    assert found == {key: known(row) for key, row in samples.items()}
    assert any(row["neighbour_bias"] for row in samples.values() if row["split"] == "test")


@pytest.fixture(scope="module")
def now(spark, by_time, knowledge) -> dict[tuple[int, int], dict[str, Any]]:
    """What the states of all users and movies after the last rating tell of pairs, by pair."""
    states = states_as_of(knowledge, [LATER])
    write_states(by_time.tables, states)
    described = join_states(later_pairs(spark), states).select("seconds", *KNOWN)
    return {by_key(row): row.asDict() for row in described.collect()}


def by_key(row):
    return row["user_id"], row["movie_id"]


def known(row):
    return {column: row[column] for column in KNOWN}


def test_users_and_movies_without_a_state_have_that_of_no_rating(asked, now):
    assert now == {by_key(row): row for row in asked if row["seconds"] == LATER}


def test_states_of_several_moments_are_those_of_each(spark, knowledge, asked):
    moments = sorted({row["seconds"] for row in asked})
    moments = [moments[len(moments) // 2], LATER]
    expected = [row for row in asked if row["seconds"] in moments]
    pairs = [(row["user_id"], row["movie_id"], row["seconds"]) for row in expected]
    asking = spark.createDataFrame(pairs, "user_id long, movie_id long, seconds long")
    described = join_states(asking, states_as_of(knowledge, moments)).select("seconds", *KNOWN)
    found = [row.asDict() for row in described.collect()]
    assert {row["seconds"] for row in found} == {*moments}

    def in_order(rows):
        return sorted(rows, key=lambda row: (row["seconds"], *by_key(row)))

    assert in_order(found) == in_order(expected)


def test_who_has_not_rated_is_like_a_user_before_the_first_rating(by_time, now):
    of_users = [i.column for i in INPUTS if SIDES.get(i.group) == "user"]
    of_users += [i.value for i in INPUTS if SIDES.get(i.group) == "user" and i.value in KNOWN]
    of_users += [n.column for n in NUMBERS if n.side == "user"]
    new = [row for row in by_time.samples().values() if row["user_rating_count"] == 0]
    assert new
    for row in new:
        for movie in (NOTHING, 2, 14):
            nobody = {c: now[NOBODY, movie][c] for c in of_users}
            assert nobody == {c: row[c] for c in of_users} | {"user_id": NOBODY, "user_index": 0}


def test_a_movie_of_which_nothing_is_known_has_no_value(now):
    unknown = now[7, NOTHING]
    of_movies = [i for i in INPUTS if SIDES.get(i.group) == "movie"]
    is_count = {i.column for i in of_movies if i.value.endswith("_count")}
    assert {i.column: unknown[i.column] for i in of_movies} == {
        i.column: int(i.column in is_count) for i in of_movies
    }
    assert (unknown["movie_rating_count"], unknown["movie_bias"], unknown["genre_bias"]) == (
        0,
        0,
        0,
    )
    assert unknown["user_rating_count"] == now[7, 2]["user_rating_count"] > 0


def test_a_movie_without_a_poster_keeps_what_else_is_known_of_it(by_time, now):
    posters = [i.column for i in INPUTS if i.group == "movie_poster"]
    rated = [r for r in by_time.world.ratings if r.movie == 14]
    assert {now[7, 14][c] for c in posters} == {0}
    assert now[7, 14]["movie_rating_count"] == len(rated)
    assert all(now[7, 2][c] > 0 for c in posters)


def test_tables_of_states_have_a_row_for_each_user_and_movie(by_time, now):
    users, movies = by_time.rows(USER_STATES), by_time.rows(MOVIE_STATES)
    assert sorted(r["user_id"] for r in users) == sorted({r.user for r in by_time.world.ratings})
    assert len(movies) == len({r["movie_id"] for r in movies}) == 30
    seven = next(r for r in users if r["user_id"] == 7)
    assert {c: seven[c] for c in seven if c in ENCODED} == {
        c: now[7, 2][c] for c in seven if c in ENCODED
    }
    latest = sorted((r.second for r in by_time.world.ratings if r.user == 7), reverse=True)
    assert len(seven["rated"]) == min(50, len(latest))
    assert seven["as_of"].timestamp() == LATER


def test_tables_of_states_hold_every_list_and_every_input_of_their_side():
    lists = {latest.column for latest in LATEST if latest != HISTORY}
    assert lists <= set(USER_STATES.columns)
    for latest in LATEST:
        if latest != HISTORY:
            assert USER_STATES.schema[latest.column].dataType.elementType.names == [*latest.fields]
    held = {*USER_STATES.columns, *MOVIE_STATES.columns}
    assert {i.column for i in INPUTS if i.column not in held} == {
        i.column for i in INPUTS if i.group == "scene"
    }
