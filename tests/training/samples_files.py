"""Files of samples, and assignments that train on them."""

from pathlib import Path
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mmdin.config import Config, Networks, Samples, Training
from mmdin.inputs import INPUTS, NUMBERS
from mmdin.storage import Folder, HadoopSettings, local_folder
from mmdin.tables import DataFile
from mmdin.training.assignment import Assignment

SIZES = {i.vocabulary: 8 for i in INPUTS}
ODD = "a #1?: [b] {c}%20é"
"""A folder of samples may have any name."""
SMALL = Networks(
    embedding_size=8, hidden_units=(16,), attention_units=(8,), width=16, heads=2, blocks=1
)
"""Networks that are traced in seconds."""


def write_samples(folder: Path) -> list[DataFile]:
    """Write samples whose label follows from user_index, with noise."""
    generator = np.random.default_rng(5)
    files = []
    for n, rows in enumerate((300, 170, 90, 200)):
        columns = {i.column: generator.integers(0, 8, rows, np.int32) for i in INPUTS}
        noisy = columns["user_index"] + generator.integers(-2, 3, rows)
        columns["label"] = (noisy > 3).astype(np.int32)
        columns["half_stars"] = np.clip(noisy + 3, 1, 10).astype(np.int32)
        columns |= {n.column: generator.normal(size=rows) for n in NUMBERS}
        path = folder / ODD / "split=train" / f"{n}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(columns), path)
        # As Spark writes them: odd characters are quoted, the names of its partitions are not.
        files.append(DataFile(f"file://{quote(str(path), safe='/=')}", rows))
    return files


def make_assignment(
    folder: Path,
    name: str,
    files: list[DataFile],
    model: str = "din",
    networks: Networks = SMALL,
    **training: object,
) -> Assignment:
    """An assignment whose checkpoint is folder/name; the last file is for validation, twice."""
    given = {"batch_size": 64, "epochs": 3, "learning_rate": 0.01} | training
    config = Config(
        name="x",
        root=str(folder),
        networks=networks,
        training=Training(models=(model,), **given),
        samples=Samples(files=3),
    )
    return Assignment(
        label=model,
        model=model,
        seed=config.seed,
        config=config,
        vocabulary_sizes=SIZES,
        train_files=files[:-1],
        validation_files=files[-1:] * 2,
        checkpoint=str(folder / name),
        threads=1,
        hadoop=HadoopSettings({}),
    )


def folder_of(assignment: Assignment) -> Folder:
    """The folder of an assignment's checkpoint."""
    return local_folder(assignment.checkpoint)
