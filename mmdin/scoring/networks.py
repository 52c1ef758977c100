"""Scores of trained networks, in Spark."""

import functools
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyspark import Broadcast
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from mmdin.errors import TableError
from mmdin.inputs import INPUTS
from mmdin.networks import CHECKPOINT_FILES
from mmdin.schemas import PREDICTIONS, SAMPLES
from mmdin.storage import files_at, join, local_folder

if TYPE_CHECKING:
    from mmdin.models.network import RatingNetwork

_KEPT = ("user_id", "movie_id", "rated_at", "rating", "label", "split")
_SCORED = StructType(
    [StructField(c, SAMPLES.schema[c].dataType) for c in _KEPT]
    + [StructField("score", PREDICTIONS.schema["score"].dataType)]
)


@dataclass(frozen=True)
class SentNetwork:
    """A network on its way to Python workers, which need no access to where it was kept.

    checkpoint: its folder, by which networks are told apart; files: content by name.
    """

    checkpoint: str
    files: "Broadcast[dict[str, bytes]]" = field(compare=False, repr=False)


def send_network(spark: SparkSession, checkpoint: str) -> SentNetwork:
    """The network of a checkpoint folder or URL, read on the driver.

    Raises TableError where the folder holds no network.
    """
    files = files_at(spark, checkpoint)
    missing = [name for name in CHECKPOINT_FILES if not files.exists(join(checkpoint, name))]
    if missing:
        raise TableError(
            f"there is no trained network in {checkpoint}: it lacks {', '.join(missing)}; "
            "train again"
        )
    contents = {name: files.read(join(checkpoint, name)) for name in CHECKPOINT_FILES}
    return SentNetwork(checkpoint, spark.sparkContext.broadcast(contents))


def score_with_network(
    samples: DataFrame, run_id: str, model: str, checkpoint: str, batch_size: int
) -> DataFrame:
    """The samples' rows with a network's score: columns of PREDICTIONS, and split.

    The network is read from its checkpoint folder or URL by the driver, and made once per Python
    worker. Rows go to it in Arrow batches, `batch_size` at a time. Raises TableError where the
    folder holds no network.
    """
    network = send_network(samples.sparkSession, checkpoint)
    score = functools.partial(_score_batches, sent=network, batch_size=batch_size)
    encoded = samples.select(*_KEPT, *(i.column for i in INPUTS))
    return encoded.mapInArrow(score, _SCORED).select(
        F.lit(run_id).alias("run_id"), F.lit(model).alias("model"), *_KEPT, "score"
    )


def _score_batches(
    batches: Iterator[pa.RecordBatch], sent: SentNetwork, batch_size: int
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        network, scores_of = load_scorer(sent)
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
def load_scorer(sent: SentNetwork) -> "tuple[RatingNetwork, Callable[[np.ndarray], np.ndarray]]":
    """A network, and its scores float64 [rows] of indices int32 [rows, inputs]."""
    # Here and not above, since the driver imports this module and needs no TensorFlow.
    import tensorflow as tf

    from mmdin.models.checkpoint import load_network

    with tempfile.TemporaryDirectory() as folder:
        for name, content in sent.files.value.items():
            Path(folder, name).write_bytes(content)
        network = load_network(local_folder(folder))
    logits = tf.function(lambda indices: network(indices, training=False))

    def scores_of(indices: np.ndarray) -> np.ndarray:
        # The sigmoid in double precision keeps apart scores near 0 and 1.
        return 1.0 / (1.0 + np.exp(-np.asarray(logits(indices), dtype=np.float64)))

    return network, scores_of
