"""Tables of states: made whole, or brought up to a later moment.

Every value is made from ratings of strictly earlier seconds. So a rating changes what is known of
its user and of its movie afterwards, and of nobody else. What an earlier rating brought to the sums
and lists of its user stays: its residual, by the movie's bias of then, which known_ratings holds.

So if all ratings that are new are newer than the states, only their users and movies are worked
out again, from these users' and movies' ratings. The functions and the order of ratings are those
of states made whole, and so are the values, to the last digit.
"""

import functools
import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from mmdin.code_digest import digest_module
from mmdin.features.history import HISTORY
from mmdin.features.order import computed
from mmdin.features.past import LATEST
from mmdin.features.states import (
    Knowledge,
    States,
    as_known,
    collect_states,
    pass_movies,
    states_as_of,
)
from mmdin.hashing import RATING
from mmdin.inputs import POSTER_FEATURES
from mmdin.schemas import KNOWN_RATINGS, MOVIE_STATES, USER_STATES, VOCABULARIES, Table
from mmdin.tables import Tables

log = logging.getLogger(__name__)

STORED_LISTS = tuple(latest.column for latest in LATEST if latest != HISTORY)
"""Lists of users' latest ratings that states hold; the history is spread over columns."""

_KEYS = {USER_STATES: "user_id", MOVIE_STATES: "movie_id"}

_CODE = ("mmdin/features", "mmdin/inputs.py", "mmdin/hashing.py")
"""Files and folders whose code decides values of states."""

_DESCRIBED = ("release_year", "genres", *POSTER_FEATURES)
"""Columns of movies' states that depend on no rating. The others that depend on none follow from
these and from the vocabularies."""

_MARKS = ("as_of", "encoded_by", "made_by")
"""Columns of states that are the same in all rows."""

_RATED = (*RATING, "rating", "label", "seconds", "in_history", "deviation")
"""Columns of ratings that the pass over movies takes."""


class NotNewerError(Exception):
    """States that are wanted differ from those stored by more than newer ratings; tells by what."""


def refresh_states(tables: Tables, knowledge: Knowledge, seconds: int) -> None:
    """Write the states of all users and movies as of a moment, encoded as the newest samples are.

    If the tables hold those of an earlier moment, and all that is new since is newer, only what
    that touches is worked out. Logs which it was, and why.

    Args:
        tables: of the samples.
        knowledge: of these samples.
        seconds: the moment.
    """
    try:
        update_states(tables, knowledge, seconds)
    except NotNewerError as reason:
        log.info("build_states: all states are made from all ratings: %s", reason)
        write_states(tables, states_as_of(knowledge, [seconds]))


def write_states(tables: Tables, states: States) -> None:
    """Write the states of one moment, encoded as the newest samples are, and their ratings.

    The tables are known_ratings, user_states and movie_states.
    """
    # In this order: states without the ratings that they were made from are known by made_by.
    tables.write(KNOWN_RATINGS, _to_store(states.compared))
    _write(tables, {USER_STATES: states.users, MOVIE_STATES: states.movies})


def update_states(tables: Tables, knowledge: Knowledge, seconds: int) -> None:
    """Bring the stored states up to a moment, by newer ratings and by movies that are listed now.

    Raises:
        NotNewerError: if that would not give the states that states_as_of gives.
    """
    since = _stored_moment(tables)
    if seconds < since:
        raise NotNewerError(f"those there are of a later moment, {_shown(since)}")
    stored = _from_store(tables)
    if _digest(knowledge.ratings.where(F.col("seconds") < since)) != _digest(stored):
        raise NotNewerError(f"ratings before {_shown(since)} are not those that they know")
    unlisted = _without_state(tables, knowledge.movies)
    if seconds == since and unlisted.isEmpty():
        log.info("build_states: nothing is newer than the states of %s", _shown(since))
        return
    newer = computed(knowledge.ratings.where(F.col("seconds").between(since, seconds - 1)))
    states = _work_out(knowledge, stored, newer, unlisted, seconds)
    ratings, users, movies = (rows.count() for rows in (newer, states.users, states.movies))
    log.info(
        "build_states: since %s: %s newer ratings, %s users and %s movies worked out again",
        *(_shown(since), *(f"{number:,}" for number in (ratings, users, movies))),
    )
    if ratings:
        where = f"rated_at >= TIMESTAMP '{_shown(since)}'"
        compared = states.compared.where(F.col("seconds") >= since)
        tables.replace(KNOWN_RATINGS, _to_store(compared), where)
    changed = {USER_STATES: states.users, MOVIE_STATES: states.movies}
    _write(tables, {t: _put(tables, t, rows, seconds) for t, rows in changed.items()})


def _stored_moment(tables: Tables) -> int:
    """The second as of which the stored states are.

    Raises:
        NotNewerError: if there are none that newer ratings can be added to.
    """
    if not all(tables.exists(table) for table in (KNOWN_RATINGS, *_KEYS)):
        raise NotNewerError("there are none yet")
    marks = {_marks(tables, table) for table in _KEYS}
    if {encoded_by for _, encoded_by, _ in marks} != {identify_encoding(tables)}:
        raise NotNewerError("those there are encoded as earlier samples are")
    if len(marks) > 1 or {made_by for *_, made_by in marks} != {_identify_making(tables)}:
        raise NotNewerError("those there were made by other code, or not written to their end")
    ((seconds, *_),) = marks
    return seconds


def _marks(tables: Tables, table: Table) -> tuple[int, str, str]:
    """The second of column as_of, and the other columns of _MARKS, of a table of states."""
    rows = tables.read(table)
    if "made_by" not in rows.columns:  # written by code that had no such column
        rows = rows.withColumn("made_by", F.lit(""))
    row = rows.select(F.unix_timestamp("as_of"), *_MARKS[1:]).head()
    return (0, "", "") if row is None else (row[0], row[1], row[2])


def _digest(ratings: DataFrame) -> tuple[int, int]:
    """The number of ratings, and a number that depends on what states take of them."""
    hashed = F.xxhash64(*RATING, "rating", "label", "seconds")
    count, digest = ratings.agg(F.count("*"), F.bit_xor(hashed)).collect()[0]
    return count, digest


def _without_state(tables: Tables, movies: DataFrame) -> DataFrame:
    """movie_id of movies that have no state: they had no rating, no poster, and were not listed.

    Raises:
        NotNewerError: if what is known of others, apart from ratings, has changed.
    """
    then, now = (
        rows.select("movie_id", F.struct(*_DESCRIBED).alias(name))
        for rows, name in ((tables.read(MOVIE_STATES), "then"), (movies, "now"))
    )
    both = then.join(now, "movie_id", "full")
    same = (F.col("then")[c].eqNullSafe(F.col("now")[c]) for c in _DESCRIBED)
    has_changed = ~functools.reduce(Column.__and__, same)
    if not both.where(F.col("then").isNotNull() & has_changed).isEmpty():
        raise NotNewerError("years, genres or posters of movies that they know have changed")
    return both.where(F.col("then").isNull()).select("movie_id")


def _work_out(
    knowledge: Knowledge, stored: DataFrame, newer: DataFrame, unlisted: DataFrame, seconds: int
) -> States:
    """States of those whom newer ratings touch, and of movies without a state.

    Args:
        knowledge: of the moment.
        stored: ratings that the stored states know, compared.
        newer: the other ratings before the moment.
        unlisted: movie_id.
        seconds: the moment.
    """
    moment = F.lit(seconds).cast("long").alias("seconds")
    users = computed(newer.select("user_id").distinct())
    movies = computed(newer.select("movie_id").union(unlisted).distinct())
    earlier = stored.join(movies, "movie_id", "left_semi").select(*_RATED)
    rated = earlier.unionByName(newer.select(*_RATED))
    by_movie = pass_movies(rated, movies.select("movie_id", moment), knowledge.fitted)
    compared = by_movie.where("rating IS NOT NULL").join(newer.select(*RATING), [*RATING], "semi")
    of_users = stored.join(users, "user_id", "left_semi").unionByName(
        compared.select(*stored.columns)
    )
    return collect_states(knowledge, by_movie, of_users, users.select("user_id", moment))


def _put(tables: Tables, table: Table, rows: DataFrame, seconds: int) -> DataFrame:
    """A table's rows, with new ones for some keys."""
    columns, key = [c for c in table.columns if c not in _MARKS], _KEYS[table]
    others = tables.read(table).join(rows.select(key), key, "left_anti").select(*columns)
    moment = F.lit(seconds).cast("long")
    return others.unionByName(rows.select(*columns)).withColumn("seconds", moment)


def _write(tables: Tables, states: Mapping[Table, DataFrame]) -> None:
    of_all = {
        "as_of": F.timestamp_seconds("seconds"),
        "encoded_by": F.lit(identify_encoding(tables)),
        "made_by": F.lit(_identify_making(tables)),
    }
    for table, rows in states.items():
        lists = {
            name: F.col(name).cast(table.schema[name].dataType)
            for name in STORED_LISTS
            if name in table.columns
        }
        tables.write(table, rows.withColumns(of_all | lists).select(*table.columns))


def _to_store(compared: DataFrame) -> DataFrame:
    rated_at = F.timestamp_seconds("seconds")
    return compared.withColumn("rated_at", rated_at).select(*KNOWN_RATINGS.columns)


def _from_store(tables: Tables) -> DataFrame:
    rows = tables.read(KNOWN_RATINGS)
    return as_known(rows.withColumn("seconds", F.unix_timestamp("rated_at")).drop("rated_at"))


def identify_encoding(tables: Tables) -> str:
    """What tells the newest vocabularies from any others: Delta's id of the table, its version."""
    return f"{tables.delta_id(VOCABULARIES)} {tables.version(VOCABULARIES)}"


def _identify_making(tables: Tables) -> str:
    """What tells the code, and the newest known_ratings, from any others."""
    code = digest_module("mmdin.features.stored_states", within=_CODE)
    return f"{code} {tables.delta_id(KNOWN_RATINGS)} {tables.version(KNOWN_RATINGS)}"


def _shown(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
