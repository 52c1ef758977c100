"""What attention looks at: the weights of the praised movies in a few test rows."""

import functools
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, FloatType, StructField, StructType

from mmdin.config import Scoring
from mmdin.hashing import hashed_order
from mmdin.inputs import HISTORY_LENGTH, INPUTS, history_movie
from mmdin.schemas import ATTENTION_WEIGHTS, SAMPLES
from mmdin.scoring.networks import SentNetwork, load_scorer, send_network

_HISTORY = tuple(history_movie(p) for p in range(1, HISTORY_LENGTH + 1))
_KEPT = ("user_id", "movie_id", "rated_at", "label", *_HISTORY)
_WEIGHED = StructType(
    [StructField(c, SAMPLES.schema[c].dataType) for c in _KEPT]
    + [
        StructField("score", ATTENTION_WEIGHTS.schema["score"].dataType),
        StructField("weights", ArrayType(FloatType())),
    ]
)


def choose_rows(test_rows: DataFrame, scoring: Scoring, seed: int) -> DataFrame:
    """A test row with a full history of each of scoring.attention_users, or of a few by chance."""
    full = test_rows.where(F.col(_HISTORY[-1]).isNotNull())
    if scoring.attention_users:
        full = full.where(F.col("user_id").isin(list(scoring.attention_users)))
    by_chance = hashed_order(seed, "attention")
    numbered = full.withColumn(
        "place", F.row_number().over(Window.partitionBy("user_id").orderBy(by_chance))
    )
    one_each = numbered.where("place = 1").orderBy(by_chance)
    return one_each.limit(len(scoring.attention_users) or 4).coalesce(1)


def weigh_history(rows: DataFrame, run_id: str, model: str, checkpoint: str) -> DataFrame:
    """The weight of each praised movie of the rows: columns of ATTENTION_WEIGHTS.

    rows: few, of samples. The network must have attention (din, mmdin).
    """
    weigh = functools.partial(_weigh_batches, sent=send_network(rows.sparkSession, checkpoint))
    encoded = rows.select(*_KEPT, *(i.column for i in INPUTS if i.column not in _KEPT))
    weighed = encoded.mapInArrow(weigh, _WEIGHED)
    praised = F.arrays_zip(
        F.array(*_HISTORY).alias("movie"), F.col("weights").cast("array<double>").alias("weight")
    )
    return weighed.select("*", F.posexplode(praised).alias("place", "praised")).select(
        F.lit(run_id).alias("run_id"),
        F.lit(model).alias("model"),
        *_KEPT[:4],
        "score",
        (F.col("place") + 1).alias("position"),
        F.col("praised.movie").alias("history_movie_id"),
        F.col("praised.weight").alias("weight"),
    )


def _weigh_batches(
    batches: Iterator[pa.RecordBatch], sent: SentNetwork
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        network, scores_of = load_scorer(sent)
        indices = np.stack([batch.column(i.column) for i in network.inputs_taken], axis=1)
        weights = np.asarray(network.attention_weights(indices))
        columns = [
            *(batch.column(c) for c in _KEPT),
            pa.array(scores_of(indices), pa.float64()),
            pa.array(list(weights), pa.list_(pa.float32())),
        ]
        yield pa.RecordBatch.from_arrays(columns, names=_WEIGHED.names)
