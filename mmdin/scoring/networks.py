"""Scores of trained networks, in Spark."""

import functools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from mmdin.connect import Sent, send
from mmdin.errors import TableError
from mmdin.inputs import INPUTS, NUMBERS
from mmdin.networks import CHECKPOINT_FILES
from mmdin.schemas import PREDICTIONS
from mmdin.scoring.scored import KEPT, TAKEN, one_score
from mmdin.storage import files_at, join, local_folder

if TYPE_CHECKING:
    from mmdin.models.network import RatingNetwork

Scorer = Callable[[NDArray[np.int32], NDArray[np.float32]], NDArray[np.float64]]
"""Scores [rows] of the indices [rows, inputs] and the numbers [rows, numbers] of samples."""

ENCODED = (*(i.column for i in INPUTS), *(n.column for n in NUMBERS))
"""The columns of samples that networks take."""

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
    files: Sent[dict[str, bytes]] = field(compare=False, repr=False)


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
    return SentNetwork(checkpoint, send(spark, contents))


def add_network_scores(
    samples: DataFrame,
    runs: Sequence[TrainedRun],
    batch_size: int,
    kept: Sequence[str] = (*KEPT, *TAKEN),
) -> DataFrame:
    """Score the samples with several networks in one pass.

    The driver reads each network from its checkpoint. A Python worker builds it once. Rows go to
    the networks in Arrow batches, `batch_size` at a time.

    Args:
        samples: rows with the columns ENCODED, such as those of table samples.
        runs: at most NETWORKS_AT_ONCE.
        batch_size: rows of a call of a network.
        kept: columns of the rows that the result has too.

    Returns:
        The columns kept, and a column for each run, which network_scores takes.

    Raises:
        TableError: a checkpoint folder holds no network.
    """
    networks = [send_network(samples.sparkSession, run.checkpoint) for run in runs]
    score = functools.partial(
        _score_batches, networks=networks, batch_size=batch_size, kept=tuple(kept)
    )
    schema = StructType([StructField(c, samples.schema[c].dataType) for c in kept])
    for n in range(len(runs)):
        schema.add(_column(n), PREDICTIONS.schema["score"].dataType)
    encoded = samples.select(*dict.fromkeys((*kept, *ENCODED)))
    return encoded.mapInArrow(score, schema)


def network_scores(runs: Sequence[TrainedRun]) -> list[Column]:
    """The scores that add_network_scores has added for these runs."""
    return [one_score(r.run_id, r.model, F.col(_column(n))) for n, r in enumerate(runs)]


def _column(n: int) -> str:
    return f"score_{n}"


def _score_batches(
    batches: Iterator[pa.RecordBatch],
    networks: Sequence[SentNetwork],
    batch_size: int,
    kept: Sequence[str],
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        columns = {c: batch.column(c) for c in kept}
        for n, sent in enumerate(networks):
            scores = score_batch(sent, batch, batch_size)
            columns[_column(n)] = pa.array(scores, pa.float64())
        yield pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def score_batch(sent: SentNetwork, batch: pa.RecordBatch, batch_size: int) -> NDArray[np.float64]:
    """Scores [rows] of a batch with the columns ENCODED, in a Python worker."""
    network, scores_of = load_scorer(sent)
    taken = columns_taken(network, batch)
    parts = [
        _score_padded(scores_of, [t[start : start + batch_size] for t in taken], batch_size)
        for start in range(0, batch.num_rows, batch_size)
    ]
    return np.concatenate(parts) if parts else np.empty(0)


def columns_taken(
    network: "RatingNetwork", batch: pa.RecordBatch
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """What a network takes of ENCODED: indices [rows, inputs] and numbers [rows, numbers]."""
    indices = np.stack([batch.column(i.column) for i in network.inputs_taken], axis=1)
    numbers = np.empty((batch.num_rows, len(network.numbers_taken)), np.float32)
    for at, number in enumerate(network.numbers_taken):
        numbers[:, at] = batch.column(number.column)
    return indices, numbers


def _score_padded(
    scores_of: Scorer, taken: Sequence[NDArray[Any]], batch_size: int
) -> NDArray[np.float64]:
    # One shape for every batch, so that TensorFlow traces the network once.
    rows = len(taken[0])
    padded = [np.pad(columns, ((0, batch_size - rows), (0, 0))) for columns in taken]
    return scores_of(*padded)[:rows]


@functools.lru_cache(maxsize=NETWORKS_AT_ONCE)
def load_scorer(sent: SentNetwork) -> "tuple[RatingNetwork, Scorer]":
    """A network, and its scores float64 [rows] of indices and numbers."""
    # Not at the top, since the driver imports this module and needs no TensorFlow.
    import tensorflow as tf

    from mmdin.models.checkpoint import load_network

    with tempfile.TemporaryDirectory() as folder:
        for name, content in sent.files.value.items():
            Path(folder, name).write_bytes(content)
        network = load_network(local_folder(folder))
    logits = tf.function(lambda *columns: network(*columns, training=False))

    def scores_of(indices: NDArray[np.int32], numbers: NDArray[np.float32]) -> NDArray[np.float64]:
        # In double precision, scores near 0 and 1 stay different.
        return 1.0 / (1.0 + np.exp(-np.asarray(logits(indices, numbers), dtype=np.float64)))

    return network, scores_of
