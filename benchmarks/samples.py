"""Invented samples for benchmarks of training, and an assignment that trains on them."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mmdin.config import Config, ModelName, Samples, Training
from mmdin.inputs import INPUTS, NUMBERS
from mmdin.storage import HadoopSettings
from mmdin.tables import DataFile
from mmdin.training.assignment import Assignment

KEYS = {**{i.vocabulary: 21 for i in INPUTS}, "user": 6000, "movie": 4000}
"""Rows of each vocabulary, about as many as a million ratings have."""


def write_samples(folder: Path, files: int, rows: int) -> list[DataFile]:
    """Write `files` equal files of `rows` rows, each a row group."""
    table = invent_samples(rows)
    paths = [folder / f"{n}.parquet" for n in range(files)]
    for path in paths:
        pq.write_table(table, path)
    return [DataFile(path.resolve().as_uri(), rows) for path in paths]


def invent_samples(rows: int) -> pa.Table:
    """What networks take of samples, and their targets."""
    generator = np.random.default_rng(3)
    columns = {i.column: generator.integers(0, KEYS[i.vocabulary], rows, np.int32) for i in INPUTS}
    columns |= {n.column: generator.normal(size=rows) for n in NUMBERS}
    half_stars = generator.integers(1, 11, rows, np.int32)
    return pa.table({"label": half_stars // 8, "half_stars": half_stars, **columns})


def assign(
    folder: Path, files: list[DataFile], label: str, model: ModelName, training: Training
) -> Assignment:
    """An assignment to train on all files but the last, which is for validation."""
    config = Config(
        name="benchmark", root=str(folder), training=training, samples=Samples(files=len(files))
    )
    return Assignment(
        label=label,
        model=model,
        seed=config.seed,
        config=config,
        vocabulary_sizes=KEYS,
        train_files=files[:-1],
        validation_files=files[-1:],
        checkpoint=str(folder / "checkpoint"),
        threads=1,
        hadoop=HadoopSettings({}),
    )
