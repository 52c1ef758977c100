"""No row knows what it may not know: if such ratings change, its features stay the same.

An example is a batch of small blocks, each with its own users and movies, so that one Spark job
tries many.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from invented_ratings import START, Movie, Rating, movies_table, posters_table, ratings_table
from pyspark.sql import functions as F

from mmdin.config import Samples
from mmdin.features.biases import Baseline
from mmdin.features.history import LIKED
from mmdin.features.movies import describe_movies
from mmdin.features.neighbours import Similarities
from mmdin.features.samples import add_features, compare_with_movies, movie_views
from mmdin.features.scope import keep_in_scope, label_ratings
from mmdin.features.split import split_rows
from mmdin.inputs import POSTER_FEATURES

USERS, MOVIES, SECONDS, BLOCKS = 3, 8, 5, 30
BASELINE = Baseline(3.0, 2.0, 1.0)
SIMILARITIES = Similarities(np.full((2, 2), 400, np.float32), np.full((2, 2), 300, np.int32))
"""Of all movies, which have index 1 here."""

STARS = st.integers(1, 10).map(lambda halves: halves / 2)
BLOCK = st.fixed_dictionaries(
    {
        # rating and second of each user and movie; what lacks has not been rated
        "ratings": st.dictionaries(
            st.tuples(st.integers(1, USERS), st.integers(1, MOVIES)),
            st.tuples(STARS, st.integers(0, SECONDS)),
            min_size=4,
        ),
        "now": st.integers(0, SECONDS),
        "other_stars": st.lists(STARS, min_size=USERS * MOVIES, max_size=USERS * MOVIES),
    }
)
BATCH = st.lists(BLOCK, min_size=BLOCKS, max_size=BLOCKS).filter(
    # The simplest batch, which comes first, repeats one block.
    lambda batch: any(block != batch[0] for block in batch)
)

few_spark_jobs = settings(
    max_examples=1,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@few_spark_jobs
@given(batch=BATCH)
def test_by_time_no_row_knows_its_own_instant_or_what_follows(movies, batch):
    ratings = of_blocks(batch)
    now = {block: START + b["now"] for block, b in enumerate(batch)}
    changed = with_other_stars(ratings, batch, lambda r: r.second >= now[block_of(r)])
    changed = [r for r in changed if r.second <= now[block_of(r)] or r.stars > 2]
    unaffected = {r.key for r in ratings if r.second <= now[block_of(r)]}

    before = features(movies, ratings, "point_in_time", unaffected)
    after = features(movies, changed, "point_in_time", unaffected)
    assert before == after


@few_spark_jobs
@given(batch=BATCH)
def test_at_random_no_row_knows_held_out_ratings_nor_statistics_of_its_fold(movies, batch):
    ratings = of_blocks(batch)
    sees = {row[:2]: row["sees"] for row in split(movies, ratings, "random").collect()}
    mine = {block: block % 3 for block in range(BLOCKS)}  # the fold that is changed, by block
    in_fold = {r.key for r in ratings if sees[r.key] == mine[block_of(r)]}
    held_out = {r.key for r in ratings if sees[r.key] == -1}
    everyone = set(sees)

    before = features(movies, ratings, "random", everyone)
    without_held_out = with_other_stars(ratings, batch, lambda r: r.key in held_out)
    assert features(movies, without_held_out, "random", everyone) == before

    without_fold = with_other_stars(ratings, batch, lambda r: r.key in held_out | in_fold)
    after = features(movies, without_fold, "random", in_fold)
    for key in in_fold:
        assert statistics_of(after[key]) == statistics_of(before[key])


@pytest.mark.parametrize("protocol", ["random", "leaky"])
def test_histories_end_before_the_row(movies, protocol):
    batch = [BLOCK_OF_TIES | {"now": now} for now in range(SECONDS + 1)]
    ratings = of_blocks(batch)
    changed = with_other_stars(ratings, batch, lambda r: r.second >= START + r.user // 100)
    unaffected = {r.key for r in ratings if r.second <= START + r.user // 100}
    before = features(movies, ratings, protocol, unaffected)
    after = features(movies, changed, protocol, unaffected)
    assert {k: v["history"] for k, v in before.items()} == {
        k: v["history"] for k, v in after.items()
    }


BLOCK_OF_TIES = {
    "ratings": {
        (user, movie): ((movie + user) % 10 / 2 + 0.5, movie * user % (SECONDS + 1))
        for user in range(1, USERS + 1)
        for movie in range(1, MOVIES + 1)
    },
    "other_stars": [5.0, 0.5] * (USERS * MOVIES // 2),
}


def of_blocks(batch):
    """The ratings of all blocks; users and movies of block b have ids from 100 b."""
    return [
        Rating(100 * block + user, 100 * block + movie, stars, START + second)
        for block, b in enumerate(batch)
        for (user, movie), (stars, second) in sorted(b["ratings"].items())
    ]


def block_of(rating):
    return rating.user // 100


def with_other_stars(ratings, batch, is_changed):
    def other(rating):
        place = (rating.user % 100 - 1) * MOVIES + rating.movie % 100 - 1
        return replace(rating, stars=batch[block_of(rating)]["other_stars"][place])

    return [other(r) if is_changed(r) else r for r in ratings]


@pytest.fixture(scope="module")
def movies(spark):
    """Movies of all blocks, with indices for histories to carry."""
    ids = [100 * block + movie for block in range(BLOCKS) for movie in range(1, MOVIES + 1)]
    listed = {i: Movie(1900 + i % 97, ("Drama",)) for i in ids}
    posters = {i: tuple(i % p / p for p in range(2, 2 + len(POSTER_FEATURES))) for i in ids}
    described = describe_movies(movies_table(spark, listed), posters_table(spark, posters))
    return described.withColumns({name: F.lit(1) for name in LIKED[1:]}).localCheckpoint()


def split(movies, ratings, protocol):
    samples = Samples(protocol=protocol, folds=3, with_posters_only=False)
    table = ratings_table(movies.sparkSession, tuple(ratings))
    rows = keep_in_scope(label_ratings(table, movies, samples, seed=1))
    return split_rows(rows, samples, seed=1).localCheckpoint()


def features(movies, ratings, protocol, keys):
    """What is added to the rows of some keys, by key.

    Similarities of movies are given, as if no row were among those that they were fitted on.
    """
    rows = split(movies, ratings, protocol)
    views = movie_views(rows, protocol)
    compared = compare_with_movies(rows, views, BASELINE)
    compared = compared.withColumn("deviation", F.lit(None).cast("double"))
    added = add_features(compared, movies, views, BASELINE, SIMILARITIES)
    added = added.drop("rating", "label", "half_stars", "split", "sees", "seen_by")
    found = {(row["user_id"], row["movie_id"]): row.asDict() for row in added.collect()}
    assert len(found) == len(ratings)
    return {key: found[key] for key in keys}


def statistics_of(row):
    of_history = ("history", "genre_bias", "recent_bias", "neighbour_bias")
    return {name: value for name, value in row.items() if name not in of_history}
