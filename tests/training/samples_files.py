"""Files of samples, and what a rank is told to do with them."""

from pathlib import Path
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mmdin.config import Config, Samples, Training
from mmdin.inputs import INPUTS
from mmdin.storage import Folder, HadoopSettings, local_folder
from mmdin.tables import DataFile
from mmdin.training.assignment import Assignment

SIZES = {i.vocabulary: 8 for i in INPUTS}


def write_samples(folder: Path) -> list[DataFile]:
    generator = np.random.default_rng(5)
    files = []
    for n, rows in enumerate((300, 170, 90, 200)):
        columns = {i.column: generator.integers(0, 8, rows, np.int32) for i in INPUTS}
        noisy = columns["user_index"] + generator.integers(-2, 3, rows)
        columns["label"] = (noisy > 3).astype(np.int32)
        columns["half_stars"] = np.clip(noisy + 3, 1, 10).astype(np.int32)
        path = folder / "of one" / "split=train" / f"{n}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(columns), path)
        # As Spark writes them: with blanks quoted, and what its partitions are named with not.
        files.append(DataFile(f"file://{quote(str(path), safe='/=')}", rows))
    return files


def make_assignment(
    folder: Path, name: str, files: list[DataFile], model: str = "din", **training: object
) -> Assignment:
    given = {"batch_size": 64, "epochs": 3, "learning_rate": 0.01} | training
    config = Config(
        name="x",
        root=str(folder),
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
    return local_folder(assignment.checkpoint)
