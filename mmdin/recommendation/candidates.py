"""Candidates: a few movies per user, out of the whole catalogue, that the network then scores.

Every user's product with every movie's factors is computed, in NumPy and on the executors, as
ALS.recommendForAllUsers does in the JVM. Done here, movies that the user has rated are left out
before the best are taken, and the most popular movies are found in the same pass. The network sees
only the candidates.
"""

import functools
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from mmdin.recommendation.als import Factors
from mmdin.recommendation.catalogue import Catalogue

_SCHEMA = "user_id long, movie_id long, candidate_score double, popularity double"
_MOST_SCORES = 4_000_000
"""Users x movies that a task holds at once: some 100 MB."""


def choose_candidates(
    users: DataFrame,
    known: DataFrame,
    factors: Factors,
    catalogue: Catalogue,
    by_score: int,
    by_popularity: int,
) -> DataFrame:
    """The best movies by candidate score for each user, and the most popular.

    The candidate score is that of ALS. For a user who likes nothing yet, who has no factors, it is
    the movie's popularity.

    Args:
        users: user_id, each once.
        known: user_id, movie_id: movies that are left out, all in the catalogue.
        factors: of users and movies.
        catalogue: of which only allowed movies are candidates.
        by_score: number of movies by candidate score.
        by_popularity: number of the most popular, which can be among those.

    Returns:
        user_id, movie_id, candidate_score and popularity (double).
    """
    rated = known.groupBy("user_id").agg(F.collect_list("movie_id").alias("seen"))
    described = users.join(rated, "user_id", "left").join(factors.of_users, "user_id", "left")
    described = described.withColumn("seen", F.coalesce("seen", F.array().cast("array<long>")))
    choose = functools.partial(
        _choose_batches,
        movie_factors=factors.of_movies,
        catalogue=catalogue,
        counts=(by_score, by_popularity),
    )
    return described.select("user_id", "seen", "factors").mapInArrow(choose, _SCHEMA)


def _choose_batches(
    batches: Iterator[pa.RecordBatch],
    movie_factors: NDArray[np.float32],
    catalogue: Catalogue,
    counts: tuple[int, int],
) -> Iterator[pa.RecordBatch]:
    at_once = max(1, _MOST_SCORES // len(catalogue.movie_ids))
    for batch in batches:
        for start in range(0, batch.num_rows, at_once):
            users = batch.slice(start, at_once)
            is_open = open_movies(users.column("seen"), catalogue)
            scores = score_movies(users.column("factors"), movie_factors, catalogue)
            yield _to_rows(users.column("user_id"), scores, is_open, catalogue, counts)


def open_movies(seen: pa.Array, catalogue: Catalogue) -> NDArray[np.bool_]:
    """Which movies each user may get: those allowed that the user has not rated."""
    is_open = np.tile(catalogue.is_allowed, (len(seen), 1))
    users = np.repeat(np.arange(len(seen)), seen.value_lengths().to_numpy())
    is_open[users, catalogue.places(seen.flatten().to_numpy())] = False
    return is_open


def score_movies(
    user_factors: pa.Array, movie_factors: NDArray[np.float32], catalogue: Catalogue
) -> NDArray[np.float64]:
    """Candidate scores, [users, movies], of a list of factors for each user, or null."""
    has_factors = np.asarray(user_factors.is_valid())
    scores = np.tile(catalogue.popularity, (len(user_factors), 1))
    of_users = user_factors.flatten().to_numpy(zero_copy_only=False)
    scores[has_factors] = of_users.reshape(-1, movie_factors.shape[1]) @ movie_factors.T
    return scores


def choose_places(
    scores: NDArray[np.float64],
    is_open: NDArray[np.bool_],
    catalogue: Catalogue,
    counts: tuple[int, int],
) -> NDArray[np.bool_]:
    """Which movies are each user's candidates, [users, movies].

    Args:
        scores: candidate scores, [users, movies].
        is_open: which movies may be chosen, [users, movies].
        catalogue: for the popularity.
        counts: numbers by score, and by popularity.
    """
    by_score, by_popularity = (min(count, scores.shape[1]) for count in counts)
    closed_last = np.where(is_open, scores, -np.inf)
    best = np.argpartition(-closed_last, by_score - 1, axis=1)[:, :by_score]
    is_chosen = np.zeros(scores.shape, bool)
    np.put_along_axis(is_chosen, best, True, axis=1)
    order = catalogue.most_popular
    in_order = is_open[:, order]
    is_chosen[:, order] |= np.cumsum(in_order, axis=1) <= by_popularity
    return is_chosen & is_open


def _to_rows(
    user_ids: pa.Array,
    scores: NDArray[np.float64],
    is_open: NDArray[np.bool_],
    catalogue: Catalogue,
    counts: tuple[int, int],
) -> pa.RecordBatch:
    users, movies = np.nonzero(choose_places(scores, is_open, catalogue, counts))
    columns = [
        user_ids.take(pa.array(users)),
        pa.array(catalogue.movie_ids[movies]),
        pa.array(scores[users, movies]),
        pa.array(catalogue.popularity[movies]),
    ]
    names = ["user_id", "movie_id", "candidate_score", "popularity"]
    return pa.RecordBatch.from_arrays(columns, names=names)
