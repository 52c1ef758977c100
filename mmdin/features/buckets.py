"""Numbers cut into buckets: edges fitted on training rows, applied everywhere."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from pyspark.ml.feature import Bucketizer
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from mmdin.hashing import hashed_share
from mmdin.inputs import INPUTS, Input
from mmdin.local_rows import local_rows
from mmdin.schemas import BUCKET_EDGES

MAX_ROWS_FITTED = 200_000
"""About how many training rows edges are fitted on; if there are more, a seeded hash chooses."""

Edges = dict[str, list[float]]
"""Inner edges, ascending, by the value they cut. A number on an edge is in the bucket above it."""

BUCKETED = tuple(i for i in INPUTS if i.is_bucket)


def fit_edges(training_rows: DataFrame, count: int, buckets: int, seed: int) -> Edges:
    """Quantiles of every bucketed input's value over about MAX_ROWS_FITTED of the training rows.

    Brings the chosen rows to the driver, in one query.

    Args:
        training_rows: with user_id, movie_id and the inputs' values.
        count: the number of training rows.
        buckets: of each input, at most.
        seed: of the choice of rows.
    """
    chosen = training_rows
    if count > MAX_ROWS_FITTED:
        chosen = chosen.where(hashed_share(seed, "edges") < MAX_ROWS_FITTED / count)
    values = chosen.select(*(F.col(i.value).cast("double") for i in BUCKETED)).toArrow()
    return {
        name: quantile_edges(values[name].to_numpy(zero_copy_only=False), buckets)
        for name in values.column_names
    }


def quantile_edges(values: NDArray[np.float64], buckets: int) -> list[float]:
    """The inner edges that cut numbers into at most that many buckets of about the same size.

    Edges are numbers that occur. Those that coincide are merged, and one at the smallest number
    is left out, since its bucket would be empty. NaN is ignored.

    Args:
        values: float64 [any].
        buckets: 2 or more.
    """
    numbers = values[~np.isnan(values)]
    if not len(numbers):
        return []
    shares = np.arange(1, buckets) / buckets
    edges = np.unique(np.quantile(numbers, shares, method="inverted_cdf"))
    return [float(edge) for edge in edges if edge > numbers.min()]


def edges_to_rows(spark: SparkSession, edges: Edges) -> DataFrame:
    """Edges as table bucket_edges."""
    rows = []
    for value, inner in edges.items():
        bounds = [float("-inf"), *inner, float("inf")]
        rows += [(value, b, bounds[b - 1], bounds[b]) for b in range(1, len(bounds))]
    return local_rows(spark, rows, BUCKET_EDGES.schema).coalesce(1)


def edges_from_rows(bucket_edges: DataFrame) -> Edges:
    """Table bucket_edges as edges."""
    edges: Edges = {}
    for row in bucket_edges.orderBy("value", "bucket").collect():
        inner = edges.setdefault(row["value"], [])
        if row["bucket"] > 1:
            inner.append(row["lower"])
    return edges


def bucketed(available: Iterable[str]) -> tuple[Input, ...]:
    """The inputs in buckets whose value is one of the available columns."""
    present = set(available)
    return tuple(i for i in BUCKETED if i.value in present)


def add_buckets(rows: DataFrame, edges: Edges, wanted: Sequence[Input] = BUCKETED) -> DataFrame:
    """Add the bucket (int) of each wanted input: 1 + the edges at or below its value, 0 for null.

    Reads the inputs' values.
    """
    # Spark's Bucketizer took half the time of comparisons written out in SQL, and a fifth of that
    # of NumPy on Arrow batches. It needs at least one inner edge.
    cut = [i for i in wanted if edges[i.value]]
    bucketizer = Bucketizer(
        splitsArray=[[float("-inf"), *edges[i.value], float("inf")] for i in cut],
        inputCols=[i.value for i in cut],
        outputCols=[i.column for i in cut],
        handleInvalid="keep",
    )
    divided = bucketizer.transform(rows) if cut else rows
    return divided.withColumns({i.column: _from_one(i, bool(edges[i.value])) for i in wanted})


def _from_one(i: Input, is_cut: bool) -> Column:
    missing = F.col(i.value).isNull() | F.isnan(i.value)
    bucket = F.col(i.column).cast("int") + 1 if is_cut else F.lit(1)
    return F.when(missing, 0).otherwise(bucket)
