"""How a user's last ratings differ from the user's bias, by how alike users rate the movies.

An item neighbourhood (Koren 2010, "Factor in the Neighbors", section 2.2). Two movies are similar
if the residuals of users who rated both go together: the mean product over these users, shrunken as
if PRIOR more users had a product of nothing, relative to the variance. Negative means count as 0.

Similarities are fitted on training rows, and a row must not learn its own rating from them. So what
its user added to a sum of products is taken out again before a row uses it: leave one out, exactly.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.pandas.functions import arrow_udf
from pyspark.sql.types import BinaryType, StructType

from mmdin.connect import Sent, send
from mmdin.features.biases import Baseline
from mmdin.features.history import RATED, flatten
from mmdin.schemas import MOVIE_SIMILARITIES

MOST_MOVIES = 2000
"""Movies that have similarities: those with the most training rows."""

PRIOR = 100.0
"""Users who rated both movies, with a product of 0, that count in every mean of products; chosen on
validation rows."""

_OWN_WEIGHT = 1.0
"""Weight of the user's bias beside the similarities of the movies rated."""

_STEPS = 256.0
"""Deviations are multiples of 1 / _STEPS: sums of their products are exact in any order."""

_TASKS = 4
"""Tasks that sum up products. Each gives the driver up to 64 MB, 16 bytes for a pair of movies."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Similarities:
    """Sums over the users of training rows, for pairs of movies. Index 0 stands for no movie.

    Attributes:
        products: float32 [movies + 1, movies + 1], of a user's deviations on both movies.
        common: int32 of the same shape, users who rated both.
    """

    products: NDArray[np.float32]
    common: NDArray[np.int32]

    @functools.cached_property
    def variance(self) -> float:
        """The mean square of deviations; 1 if there is none."""
        squares = float(np.trace(self.products, dtype=np.float64))
        return squares / int(np.trace(self.common)) if squares else 1.0

    def weights(self, movies: NDArray[Any], others: NDArray[Any], own: Floats) -> Floats:
        """Return the similarities of pairs of movies, 0 or more; float64 [pairs].

        Args:
            movies: integer [pairs], indices. Those of movies without similarities give 0.
            others: the same.
            own: float64 [pairs], the product that a pair's own user added to products; nan if none.
        """
        has_similarities = (movies < len(self.products)) & (others < len(self.products))
        at = np.where(has_similarities, movies, 0), np.where(has_similarities, others, 0)
        products = self.products[at] - np.nan_to_num(own)
        common = self.common[at] - np.isfinite(own)
        known = has_similarities & (common > 0)
        return np.where(known, np.maximum(products, 0) / (common + PRIOR) / self.variance, 0)


def deviation(baseline: Baseline) -> Column:
    """By how much a training row's residual is above the user's mean one, shrunken: stars.

    Null for other rows. Reads residual, split and user_id; the user's rows are to be in one
    partition, and in order.
    """
    of_user = Window.partitionBy("user_id")
    trained = F.when(F.col("split") == "train", F.col("residual"))
    mean = F.sum(trained).over(of_user) / (F.count(trained).over(of_user) + baseline.user_prior)
    return F.round((trained - mean) * _STEPS) / _STEPS


def fit_similarities(rows: DataFrame, movies: int) -> Similarities:
    """Fit the similarities of movies on training rows.

    Args:
        rows: user_id, movie_index and deviation; all of one user together in one partition.
        movies: the highest movie_index.
    """
    movies = min(movies, MOST_MOVIES)
    used = rows.where(F.col("deviation").isNotNull() & F.col("movie_index").between(1, movies))
    narrow = used.select("user_id", "movie_index", "deviation").coalesce(_TASKS)

    def add_up(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield pack(*sum_products(list(batches), movies))

    products, common = (np.zeros((movies + 1, movies + 1)) for _ in range(2))
    for row in narrow.mapInArrow(add_up, _SUMS).toArrow().to_pylist():
        products += unpack(row["products"], movies)
        common += unpack(row["common"], movies)
    return Similarities(products.astype(np.float32), common.astype(np.int32))


_SUMS = StructType().add("products", BinaryType()).add("common", BinaryType())


def sum_products(batches: list[pa.RecordBatch], movies: int) -> tuple[Floats, Floats]:
    """Products of deviations, and users, of every pair of movies: float64 [movies + 1] squared.

    Args:
        batches: user_id, movie_index and deviation; all of one user one after the other.
        movies: the highest movie_index.
    """
    products, common = (np.zeros((movies + 1, movies + 1)) for _ in range(2))
    if not batches:
        return products, common
    table = pa.Table.from_batches(batches)
    users, indices, deviations = (table.column(n).to_numpy() for n in table.column_names)
    starts = np.flatnonzero(np.diff(users)) + 1
    for of_user, values in zip(
        np.split(indices, starts), np.split(deviations, starts), strict=True
    ):
        pairs = np.ix_(of_user, of_user)
        products[pairs] += np.outer(values, values)
        common[pairs] += 1
    return products, common


def pack(products: Floats, common: Floats) -> pa.RecordBatch:
    """One row of _SUMS."""
    columns = [pa.array([sums.tobytes()], pa.binary()) for sums in (products, common)]
    return pa.RecordBatch.from_arrays(columns, names=_SUMS.names)


def unpack(sums: bytes, movies: int) -> Floats:
    """One column of pack."""
    return np.frombuffer(sums).reshape(movies + 1, movies + 1)


def neighbour_bias(similarities: Sent[Similarities]) -> Column:
    """The mean of the last residuals less user_bias, each by its movie's similarity: stars.

    Shrunken; 0 without ratings of similar movies. Reads READ.
    """
    added: Column = neighbour_bias_function(similarities)(*READ)
    return added


READ = ("movie_index", "deviation", "user_bias", RATED.column)
"""Columns that neighbour_bias depends on."""


def neighbour_bias_function(similarities: Sent[Similarities]) -> Any:
    """The function of READ, in Python, whose values neighbour_bias are."""

    def bias(movies: pa.Array, own: pa.Array, user_bias: pa.Array, rated: pa.Array) -> pa.Array:
        of_rows, own, user_bias = (
            column.to_numpy(zero_copy_only=False) for column in (movies, own, user_bias)
        )
        return pa.array(weigh_rated(of_rows, own, user_bias, rated, similarities.value))

    return arrow_udf(bias, "double")  # type: ignore[call-overload]


def weigh_rated(
    movies: NDArray[Any],
    own: Floats,
    user_bias: Floats,
    rated: pa.ListArray,
    similarities: Similarities,
) -> Floats:
    """See neighbour_bias: of arrays [rows], float64 [rows].

    Args:
        movies: integer, the movie's index.
        own: the row's deviation; nan if it is no training row.
        user_bias: stars.
        rated: lists of RATED.
        similarities: of fit_similarities.
    """
    rows, ratings = flatten(rated)
    others, residuals, deviations = (
        ratings.field(name).to_numpy(zero_copy_only=False)
        for name in ("movie_index", "residual", "deviation")
    )
    weights = similarities.weights(movies[rows], others, own[rows] * deviations)
    weighted = weights * (residuals - user_bias[rows])
    totals, sums = (np.bincount(rows, w, len(movies)) for w in (weights, weighted))
    return sums / (totals + _OWN_WEIGHT)


def similarities_to_rows(spark: SparkSession, similarities: Similarities) -> DataFrame:
    """Table movie_similarities: the pairs of movies that a user has rated both of, each once."""
    # Broadcast, because Spark would send the rows of a local table within a task.
    sent = send(spark, similarities)

    def list_rows(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for movie in batch.column(0).to_numpy():
                yield list_similarities(sent.value, int(movie))

    movies = spark.range(0, len(similarities.products), numPartitions=1)
    return movies.mapInArrow(list_rows, MOVIE_SIMILARITIES.schema)


def list_similarities(similarities: Similarities, movie: int) -> pa.RecordBatch:
    """Rows of movie_similarities: the movie beside those with no smaller index."""
    (after,) = np.nonzero(similarities.common[movie, movie:])
    others = after + movie
    movies, alone = np.full_like(others, movie), np.full(len(others), np.nan)
    columns = {
        "movie_index": movies.astype(np.int32),
        "other_index": others.astype(np.int32),
        "users": similarities.common[movie, others],
        "products": similarities.products[movie, others],
        "similarity": similarities.weights(movies, others, alone),
    }
    return pa.RecordBatch.from_pydict(columns)


def similarities_from_rows(rows: DataFrame) -> Similarities:
    """The similarities that table movie_similarities holds."""
    table = rows.select("movie_index", "other_index", "users", "products").toArrow()
    movies, others, users, sums = (table.column(n).to_numpy() for n in table.column_names)
    size = int(others.max(initial=0)) + 1
    products, common = np.zeros((size, size), np.float32), np.zeros((size, size), np.int32)
    for pairs in ((movies, others), (others, movies)):
        products[pairs], common[pairs] = sums, users
    return Similarities(products, common)
