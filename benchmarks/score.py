"""Scoring in Spark against the networks alone, in rows per CPU-second.

A network alone gets batches in memory, on one thread, as it gets them in a Python worker. Scoring
reads Parquet files, and its result is thrown away. The two take turns in one session, after a
warm-up; of each, the fastest round counts. The JVM and the Python workers are this process's
children.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf
from pyspark.sql import DataFrame

from benchmarks.samples import KEYS, invent_samples
from benchmarks.sessions import open_session
from benchmarks.usage import cpu_of_children_during, take_turns
from mmdin.config import ModelName, Networks
from mmdin.models import build_network
from mmdin.models.checkpoint import save_network
from mmdin.models.network import RatingNetwork
from mmdin.scoring.networks import TrainedRun, add_network_scores, columns_taken
from mmdin.storage import local_folder

BATCH = 8192
ROWS, FILES, ROUNDS = 250_000, 4, 3
SETTINGS: dict[str, tuple[ModelName, ...]] = {
    "din": ("din",),
    "mmdin": ("mmdin",),
    "both in one pass": ("din", "mmdin"),
}


def run(folder: Path, small: bool) -> dict[str, object]:
    """Rows per CPU-second, alone and in Spark, and the second by the first."""
    rows = 20_000 if small else ROWS
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    table = _write(folder / "samples", rows)
    networks: dict[str, RatingNetwork] = {}
    for model in ("din", "mmdin"):
        networks[model] = build_network(model, Networks(), KEYS)
        save_network(local_folder(folder / model), networks[model])
    batch = table.slice(0, BATCH).combine_chunks().to_batches()[0]
    alone = {model: _call_alone(network, batch) for model, network in networks.items()}
    spark = open_session()
    try:
        samples = spark.read.parquet(str(folder / "samples"))
        return {
            "rows": rows * FILES,
            "rows_per_cpu_second": {
                name: _compare(
                    [alone[model] for model in models],
                    add_network_scores(
                        samples, [TrainedRun(m, m, str(folder / m)) for m in models], BATCH
                    ),
                    rows * FILES,
                )
                for name, models in SETTINGS.items()
            },
        }
    finally:
        spark.stop()


def _write(folder: Path, rows: int) -> pa.Table:
    """Write FILES equal files of samples, and return the rows of one."""
    generator = np.random.default_rng(4)
    table = invent_samples(rows)
    given = {
        "user_id": generator.integers(1, 100_000, rows),
        "movie_id": generator.integers(1, 100_000, rows),
        "rated_at": pa.array(generator.integers(0, 1 << 50, rows), pa.timestamp("us", "UTC")),
        "rating": generator.integers(1, 11, rows) / 2,
        "movie_rating_mean": generator.normal(3.5, 0.5, rows),
        "user_rating_mean": generator.normal(3.5, 0.5, rows),
        "split": ["test"] * rows,
    }
    for name, column in given.items():
        table = table.append_column(name, pa.array(column))
    folder.mkdir()
    for n in range(FILES):
        pq.write_table(table, folder / f"{n}.parquet", row_group_size=250_000)
    return table


def _call_alone(network: RatingNetwork, batch: pa.RecordBatch) -> Callable[[], object]:
    taken = [tf.constant(columns) for columns in columns_taken(network, batch)]
    logits = tf.function(lambda *columns: network(*columns))
    return lambda: logits(*taken).numpy()


def _compare(
    alone: Sequence[Callable[[], object]], scored: DataFrame, rows: int
) -> dict[str, float]:
    calls = max(1, rows // BATCH // 8)

    def speed_alone() -> float:
        began = time.process_time()
        for _ in range(calls):
            for call in alone:
                call()
        return calls * BATCH / (time.process_time() - began)

    def speed_in_spark() -> float:
        write = scored.write.format("noop").mode("overwrite")
        return rows / cpu_of_children_during(write.save)

    fastest = take_turns({"alone": speed_alone, "in Spark": speed_in_spark}, ROUNDS)
    ratio = round(fastest["in Spark"] / fastest["alone"], 3)
    return {**{name: round(s) for name, s in fastest.items()}, "in Spark by alone": ratio}
