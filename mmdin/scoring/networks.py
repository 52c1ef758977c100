"""Scores of trained networks, in Spark."""

import contextlib
import functools
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark import TaskContext
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from mmdin.connect import Sent, send
from mmdin.errors import TableError
from mmdin.inputs import INPUTS, NUMBERS, Input, Number
from mmdin.networks import CHECKPOINT_FILES
from mmdin.schemas import PREDICTIONS
from mmdin.scoring.scored import KEPT, TAKEN, one_score
from mmdin.storage import files_at, join, local_folder
from mmdin.tensorflow_loading import load_tensorflow

if TYPE_CHECKING:
    from mmdin.finished_runs import FinishedRun
    from mmdin.models.network import RatingNetwork

Scorer = Callable[[NDArray[np.int32], NDArray[np.float32]], NDArray[np.float64]]
"""Scores [rows] of the indices [rows, inputs] and the numbers [rows, numbers] of samples."""

ENCODED = (*(i.column for i in INPUTS), *(n.column for n in NUMBERS))
"""The columns of samples that networks take."""

BYTES_AT_ONCE = 512 << 20
"""Bytes of networks that a Python worker holds. More are scored in several passes over the rows."""

_GRAPH_BYTES = 16 << 20
"""About what TensorFlow holds of a network apart from its weights."""

_ARRAYS = ("indices", "numbers")
"""Columns of the rows that reach a Python worker."""

_KEPT_LOADED = 8
"""Networks that a Python worker keeps for calls that may need others of them each time."""


@dataclass(frozen=True)
class TrainedRun:
    """A row of table runs: its run_id, its model, and the folder or URL of its checkpoint."""

    run_id: str
    model: str
    checkpoint: str

    @classmethod
    def of(cls, run: "FinishedRun") -> "TrainedRun":
        """Of a finished run under its root."""
        return cls(run.run_id, run.model, run.checkpoint)


@dataclass(frozen=True)
class SentNetwork:
    """A network on its way to Python workers, which need no access to its checkpoint folder.

    Attributes:
        checkpoint: its folder, which identifies the network.
        columns: those of ENCODED that it takes.
        files: content by name.
    """

    checkpoint: str
    columns: tuple[str, ...] = field(compare=False, repr=False)
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
    description = json.loads(contents[CHECKPOINT_FILES[0]])
    columns = tuple(description.get("columns", ENCODED))
    return SentNetwork(checkpoint, columns, send(spark, contents))


def in_passes(spark: SparkSession, runs: Sequence[TrainedRun]) -> list[list[TrainedRun]]:
    """The runs whose networks one pass over the rows scores with, for each pass."""
    passes: list[list[TrainedRun]] = []
    held = 0
    for run in runs:
        size = _bytes_of(spark, run.checkpoint)
        if not passes or held + size > BYTES_AT_ONCE:
            passes.append([])
            held = 0
        passes[-1].append(run)
        held += size
    return passes


def _bytes_of(spark: SparkSession, checkpoint: str) -> int:
    files = files_at(spark, checkpoint)
    urls = [join(checkpoint, name) for name in CHECKPOINT_FILES]
    return _GRAPH_BYTES + sum(files.size(url) for url in urls if files.exists(url))


def add_network_scores(
    samples: DataFrame,
    runs: Sequence[TrainedRun],
    batch_size: int,
    kept: Sequence[str] = (*KEPT, *TAKEN),
) -> DataFrame:
    """Score the samples with several networks in one pass.

    The driver reads each network from its checkpoint. A Python worker builds it once. Rows go to
    the networks in Arrow batches, with what these take and no more, as two arrays: Spark takes
    longer to write many columns, and a network wants rows.

    Args:
        samples: rows with the columns ENCODED, such as those of table samples.
        runs: of one of in_passes.
        batch_size: most rows of a call of a network.
        kept: columns of the rows that the result has too.

    Returns:
        The columns kept, and a column for each run, which network_scores takes.

    Raises:
        TableError: a checkpoint folder holds no network.
    """
    networks = [send_network(samples.sparkSession, run.checkpoint) for run in runs]
    taken = {column for network in networks for column in network.columns}
    indices = tuple(i.column for i in INPUTS if i.column in taken)
    numbers = tuple(n.column for n in NUMBERS if n.column in taken)
    score = functools.partial(
        _score_batches,
        networks=networks,
        columns=(indices, numbers),
        batch_size=batch_size,
        kept=tuple(kept),
    )
    schema = StructType([StructField(c, samples.schema[c].dataType) for c in kept])
    for n in range(len(runs)):
        schema.add(_column(n), PREDICTIONS.schema["score"].dataType)
    encoded = samples.select(
        *kept,
        F.array(*indices).cast("array<int>").alias(_ARRAYS[0]),
        F.array(*numbers).cast("array<float>").alias(_ARRAYS[1]),
    )
    return encoded.mapInArrow(score, schema)


def network_scores(runs: Sequence[TrainedRun]) -> list[Column]:
    """The scores that add_network_scores has added for these runs."""
    return [one_score(r.run_id, r.model, F.col(_column(n))) for n, r in enumerate(runs)]


def _column(n: int) -> str:
    return f"score_{n}"


def _score_batches(
    batches: Iterator[pa.RecordBatch],
    networks: Sequence[SentNetwork],
    columns: tuple[Sequence[str], Sequence[str]],
    batch_size: int,
    kept: Sequence[str],
) -> Iterator[pa.RecordBatch]:
    loaded = _load_all(networks)
    for batch in batches:
        result = {c: batch.column(c) for c in kept}
        indices, numbers = (
            _as_rows(batch.column(name), len(of_array))
            for name, of_array in zip(_ARRAYS, columns, strict=True)
        )
        for n, (network, scores_of) in enumerate(loaded):
            taken = (
                _choose(indices, columns[0], network.inputs_taken),
                _choose(numbers, columns[1], network.numbers_taken),
            )
            scores = _score_in_parts(scores_of, taken, batch_size)
            result[_column(n)] = pa.array(scores, pa.float64())
        yield pa.RecordBatch.from_arrays(list(result.values()), names=list(result))


def _as_rows(arrays: pa.ListArray, length: int) -> NDArray[Any]:
    """Arrays of one length, as a matrix [rows, length]."""
    values: NDArray[Any] = arrays.flatten().to_numpy()
    return values.reshape(len(arrays), length)


def _choose(
    rows: NDArray[Any], columns: Sequence[str], own: Sequence[Input | Number]
) -> NDArray[Any]:
    """The columns of a matrix that a network takes, in its order."""
    wanted = [one.column for one in own]
    return rows if wanted == list(columns) else rows[:, [columns.index(c) for c in wanted]]


def score_batch(sent: SentNetwork, batch: pa.RecordBatch, batch_size: int) -> NDArray[np.float64]:
    """Scores [rows] of a batch with the columns that a network takes, in a Python worker."""
    network, scores_of = load_scorer(sent)
    return _score_in_parts(scores_of, columns_taken(network, batch), batch_size)


def _score_in_parts(
    scores_of: Scorer, taken: Sequence[NDArray[Any]], batch_size: int
) -> NDArray[np.float64]:
    # Of nearly one size: a few rows would be a call of the network too.
    parts = max(1, -(-len(taken[0]) // batch_size))
    return np.concatenate(
        [scores_of(*part) for part in zip(*(np.array_split(t, parts) for t in taken), strict=True)]
    )


def columns_taken(
    network: "RatingNetwork", batch: pa.RecordBatch
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """What a network takes of ENCODED: indices [rows, inputs] and numbers [rows, numbers]."""
    indices = np.stack([batch.column(i.column) for i in network.inputs_taken], axis=1)
    numbers = np.empty((batch.num_rows, len(network.numbers_taken)), np.float32)
    for at, number in enumerate(network.numbers_taken):
        numbers[:, at] = batch.column(number.column)
    return indices, numbers


_loaded: "dict[SentNetwork, tuple[RatingNetwork, Scorer]]" = {}
"""Networks of this Python worker, and their scorers."""


def _load_all(networks: Sequence[SentNetwork]) -> "list[tuple[RatingNetwork, Scorer]]":
    """Networks and their scorers, each built once. Those of other passes go."""
    for other in _loaded.keys() - set(networks):
        del _loaded[other]
    return [_load_once(network) for network in networks]


def load_scorer(sent: SentNetwork) -> "tuple[RatingNetwork, Scorer]":
    """A network, and its scores float64 [rows] of indices and numbers.

    The oldest goes when there are too many.
    """
    if sent not in _loaded and len(_loaded) >= _KEPT_LOADED:
        del _loaded[next(iter(_loaded))]
    return _load_once(sent)


def _load_once(sent: SentNetwork) -> "tuple[RatingNetwork, Scorer]":
    if sent not in _loaded:
        _loaded[sent] = _load(sent)
    return _loaded[sent]


def _load(sent: SentNetwork) -> "tuple[RatingNetwork, Scorer]":
    # Not at the top, since the driver imports this module and needs no TensorFlow.
    load_tensorflow()
    import tensorflow as tf

    _limit_threads()
    from mmdin.models.checkpoint import load_network

    with tempfile.TemporaryDirectory() as folder:
        for name, content in sent.files.value.items():
            Path(folder, name).write_bytes(content)
        network = load_network(local_folder(folder))
    # Of any number of rows, so that TensorFlow traces the network once.
    signature = [
        tf.TensorSpec([None, len(network.inputs_taken)], tf.int32),
        tf.TensorSpec([None, len(network.numbers_taken)], tf.float32),
    ]
    logits = tf.function(lambda *columns: network(*columns), signature, autograph=False)

    def scores_of(indices: NDArray[np.int32], numbers: NDArray[np.float32]) -> NDArray[np.float64]:
        # In double precision, scores near 0 and 1 stay different.
        return 1.0 / (1.0 + np.exp(-np.asarray(logits(indices, numbers), dtype=np.float64)))

    return network, scores_of


def _limit_threads() -> None:
    """Compute on as many threads as the Spark task has cores: each core has its own task."""
    import tensorflow as tf

    context = TaskContext.get()
    if context is None:
        return
    # It is too late if this worker has computed before, for another purpose.
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(context.cpus())
        tf.config.threading.set_inter_op_parallelism_threads(context.cpus())
