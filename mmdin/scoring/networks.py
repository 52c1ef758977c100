"""Scores of trained networks, in Spark."""

import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from mmdin.inputs import INPUTS
from mmdin.schemas import PREDICTIONS, SAMPLES

if TYPE_CHECKING:
    from mmdin.models.network import RatingNetwork

_KEPT = ("user_id", "movie_id", "rated_at", "rating", "label", "split")
_SCORED = StructType(
    [StructField(c, SAMPLES[c].dataType) for c in _KEPT]
    + [StructField("score", PREDICTIONS["score"].dataType)]
)


def score_with_network(
    samples: DataFrame, run_id: str, model: str, checkpoint: str, batch_size: int
) -> DataFrame:
    """The samples' rows with a network's score: columns of PREDICTIONS, and split.

    The network is loaded from its checkpoint folder once per Python worker. Rows go to it in Arrow
    batches, `batch_size` at a time. Raises TableError where the folder holds no network.
    """
    score = functools.partial(_score_batches, checkpoint=checkpoint, batch_size=batch_size)
    encoded = samples.select(*_KEPT, *(i.column for i in INPUTS))
    return encoded.mapInArrow(score, _SCORED).select(
        F.lit(run_id).alias("run_id"), F.lit(model).alias("model"), *_KEPT, "score"
    )


def _score_batches(
    batches: Iterator[pa.RecordBatch], checkpoint: str, batch_size: int
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        network, scores_of = load_scorer(checkpoint)
        indices = np.stack([batch.column(i.column) for i in network.inputs_taken], axis=1)
        parts = [
            _score_padded(scores_of, indices[start : start + batch_size], batch_size)
            for start in range(0, len(indices), batch_size)
        ]
        scores = pa.array(np.concatenate(parts) if parts else np.empty(0), pa.float64())
        columns = [batch.column(c) for c in _KEPT]
        yield pa.RecordBatch.from_arrays([*columns, scores], names=[*_KEPT, "score"])


def _score_padded(
    scores_of: Callable[[np.ndarray], np.ndarray], indices: np.ndarray, batch_size: int
) -> np.ndarray:
    # One shape for every batch, so that TensorFlow traces the network once.
    padded = np.zeros((batch_size, indices.shape[1]), np.int32)
    padded[: len(indices)] = indices
    return scores_of(padded)[: len(indices)]


@functools.lru_cache(maxsize=8)
def load_scorer(checkpoint: str) -> "tuple[RatingNetwork, Callable[[np.ndarray], np.ndarray]]":
    """A network, and its scores float64 [rows] of indices int32 [rows, inputs]."""
    # Here and not above, since the driver imports this module and needs no TensorFlow.
    import tensorflow as tf

    from mmdin.models.checkpoint import load_network

    network = load_network(checkpoint)
    logits = tf.function(lambda indices: network(indices, training=False))

    def scores_of(indices: np.ndarray) -> np.ndarray:
        # The sigmoid in double precision keeps apart scores near 0 and 1.
        return 1.0 / (1.0 + np.exp(-np.asarray(logits(indices), dtype=np.float64)))

    return network, scores_of
