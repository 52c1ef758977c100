"""What attention looks at: the weights of the liked movies in a few test rows."""

import functools
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, FloatType, IntegerType, StructField, StructType

from mmdin.config import Scoring
from mmdin.hashing import hashed_order
from mmdin.inputs import HISTORY_LENGTH, history_movie
from mmdin.schemas import ATTENTION_WEIGHTS, SAMPLES
from mmdin.scoring.networks import (
    SentNetwork,
    TrainedRun,
    columns_taken,
    load_scorer,
    send_network,
)

_HISTORY = tuple(history_movie(p) for p in range(1, HISTORY_LENGTH + 1))
_ROWS_AT_ONCE = 2048
_KEY = ("user_id", "movie_id", "rated_at", "label")
_KEPT = (*_KEY, *_HISTORY)
_WEIGHED = StructType(
    [StructField(c, SAMPLES.schema[c].dataType) for c in _KEPT]
    + [
        StructField("run", IntegerType()),
        StructField("score", ATTENTION_WEIGHTS.schema["score"].dataType),
        StructField("weights", ArrayType(FloatType())),
    ]
)


def choose_rows(test_rows: DataFrame, scoring: Scoring, seed: int) -> DataFrame:
    """One test row with a full history for each of scoring.attention_users, or for a few users.

    Rows, and users if none are configured, are chosen by a seeded hash.
    """
    full = test_rows.where(F.col(_HISTORY[-1]).isNotNull())
    if scoring.attention_users:
        full = full.where(F.col("user_id").isin(list(scoring.attention_users)))
    by_chance = hashed_order(seed, "attention")
    numbered = full.withColumn(
        "place", F.row_number().over(Window.partitionBy("user_id").orderBy(by_chance))
    )
    one_each = numbered.where("place = 1").orderBy(by_chance)
    return one_each.limit(len(scoring.attention_users) or 4).coalesce(1)


def weigh_history(rows: DataFrame, runs: Sequence[TrainedRun]) -> DataFrame:
    """The weight that each network gives each liked movie: columns of ATTENTION_WEIGHTS.

    Args:
        rows: a few rows of samples.
        runs: of networks with attention.
    """
    networks = [send_network(rows.sparkSession, run.checkpoint) for run in runs]
    weigh = functools.partial(_weigh_batches, networks=networks)
    encoded = rows.select(*_KEPT, *dict.fromkeys(c for n in networks for c in n.columns))
    weighed = encoded.mapInArrow(weigh, _WEIGHED)
    liked = F.arrays_zip(
        F.array(*_HISTORY).alias("movie"), F.col("weights").cast("array<double>").alias("weight")
    )
    return weighed.select("*", F.posexplode(liked).alias("place", "liked")).select(
        _of_run([run.run_id for run in runs]).alias("run_id"),
        _of_run([run.model for run in runs]).alias("model"),
        *_KEY,
        "score",
        (F.col("place") + 1).alias("position"),
        F.col("liked.movie").alias("history_movie_id"),
        F.col("liked.weight").alias("weight"),
    )


def _of_run(values: Sequence[str]) -> Column:
    return F.get(F.array(*map(F.lit, values)), F.col("run"))


def _weigh_batches(
    batches: Iterator[pa.RecordBatch], networks: Sequence[SentNetwork]
) -> Iterator[pa.RecordBatch]:
    for batch in _smaller(batches):
        for n, sent in enumerate(networks):
            network, scores_of = load_scorer(sent)
            indices, numbers = columns_taken(network, batch)
            weights = np.asarray(network.attention_weights(indices))
            columns = [
                *(batch.column(c) for c in _KEPT),
                pa.array(np.full(len(indices), n), pa.int32()),
                pa.array(scores_of(indices, numbers), pa.float64()),
                pa.array(list(weights), pa.list_(pa.float32())),
            ]
            yield pa.RecordBatch.from_arrays(columns, names=_WEIGHED.names)


def _smaller(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    # A row's outer products take some 20 kB.
    for batch in batches:
        for start in range(0, batch.num_rows, _ROWS_AT_ONCE):
            yield batch.slice(start, _ROWS_AT_ONCE)
