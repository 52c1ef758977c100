"""Scores of trained networks, in Spark."""

import functools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark import Broadcast
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from mmdin.errors import TableError
from mmdin.inputs import INPUTS
from mmdin.networks import CHECKPOINT_FILES
from mmdin.schemas import PREDICTIONS, SAMPLES
from mmdin.scoring.scored import KEPT, MEANS, one_score
from mmdin.storage import files_at, join, local_folder

if TYPE_CHECKING:
    from mmdin.models.network import RatingNetwork

Scorer = Callable[[NDArray[np.int32]], NDArray[np.float64]]
"""Scores [rows] of the indices of samples [rows, inputs]."""

NETWORKS_AT_ONCE = 8
"""Networks that one Python worker holds. More are scored in several passes over the rows."""


@dataclass(frozen=True)
class TrainedRun:
    """A row of table runs: its run_id, its model, and the folder or URL of its checkpoint."""

    run_id: str
    model: str
    checkpoint: str


@dataclass(frozen=True)
class SentNetwork:
    """A network on its way to Python workers, which need no access to its checkpoint folder.

    Attributes:
        checkpoint: its folder, which identifies the network.
        files: content by name.
    """

    checkpoint: str
    files: "Broadcast[dict[str, bytes]]" = field(compare=False, repr=False)


def send_network(spark: SparkSession, checkpoint: str) -> SentNetwork:
    """Read the network of a checkpoint folder or URL on the driver.

    Raises:
        TableError: the folder holds no network.
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


def add_network_scores(
    samples: DataFrame, runs: Sequence[TrainedRun], batch_size: int
) -> DataFrame:
    """Score the samples with several networks in one pass.

    The driver reads each network from its checkpoint. A Python worker builds it once. Rows go to
    the networks in Arrow batches, `batch_size` at a time.

    Args:
        samples: rows of table samples.
        runs: at most NETWORKS_AT_ONCE.
        batch_size: rows of a call of a network.

    Returns:
        The columns KEPT and MEANS, and a column for each run, which network_scores takes.

    Raises:
        TableError: a checkpoint folder holds no network.
    """
    networks = [send_network(samples.sparkSession, run.checkpoint) for run in runs]
    score = functools.partial(_score_batches, networks=networks, batch_size=batch_size)
    schema = StructType([StructField(c, SAMPLES.schema[c].dataType) for c in (*KEPT, *MEANS)])
    for n in range(len(runs)):
        schema.add(_column(n), PREDICTIONS.schema["score"].dataType)
    encoded = samples.select(*KEPT, *MEANS, *(i.column for i in INPUTS))
    return encoded.mapInArrow(score, schema)


def network_scores(runs: Sequence[TrainedRun]) -> list[Column]:
    """The scores that add_network_scores has added for these runs."""
    return [one_score(r.run_id, r.model, F.col(_column(n))) for n, r in enumerate(runs)]


def _column(n: int) -> str:
    return f"score_{n}"


def _score_batches(
    batches: Iterator[pa.RecordBatch], networks: Sequence[SentNetwork], batch_size: int
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        columns = {c: batch.column(c) for c in (*KEPT, *MEANS)}
        for n, sent in enumerate(networks):
            network, scores_of = load_scorer(sent)
            indices = np.stack([batch.column(i.column) for i in network.inputs_taken], axis=1)
            parts = [
                _score_padded(scores_of, indices[start : start + batch_size], batch_size)
                for start in range(0, len(indices), batch_size)
            ]
            scores = np.concatenate(parts) if parts else np.empty(0)
            columns[_column(n)] = pa.array(scores, pa.float64())
        yield pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def _score_padded(
    scores_of: Scorer, indices: NDArray[np.int32], batch_size: int
) -> NDArray[np.float64]:
    # One shape for every batch, so that TensorFlow traces the network once.
    padded = np.zeros((batch_size, indices.shape[1]), np.int32)
    padded[: len(indices)] = indices
    return scores_of(padded)[: len(indices)]


@functools.lru_cache(maxsize=NETWORKS_AT_ONCE)
def load_scorer(sent: SentNetwork) -> "tuple[RatingNetwork, Scorer]":
    """A network, and its scores float64 [rows] of indices int32 [rows, inputs]."""
    # Not at the top, since the driver imports this module and needs no TensorFlow.
    import tensorflow as tf

    from mmdin.models.checkpoint import load_network

    with tempfile.TemporaryDirectory() as folder:
        for name, content in sent.files.value.items():
            Path(folder, name).write_bytes(content)
        network = load_network(local_folder(folder))
    logits = tf.function(lambda indices: network(indices, training=False))

    def scores_of(indices: NDArray[np.int32]) -> NDArray[np.float64]:
        # In double precision, scores near 0 and 1 stay different.
        return 1.0 / (1.0 + np.exp(-np.asarray(logits(indices), dtype=np.float64)))

    return network, scores_of
