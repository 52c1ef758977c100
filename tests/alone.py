"""An exported model's scores, in a process that can import TensorFlow but not the project."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mmdin.scoring.networks import ENCODED

SCORE_ALONE = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("mmdin", "spark_jobs", "pyspark"):
            raise ImportError(name)

sys.meta_path.insert(0, Refuse())
import json
import numpy as np
import tensorflow as tf

columns = json.load(sys.stdin)
model = tf.saved_model.load(sys.argv[1])
scores = {}
for name in ("readable", "encoded"):
    signature = model.signatures[name]
    types = {n: spec.dtype for n, spec in signature.structured_input_signature[1].items()}
    taken = {n: tf.constant(columns[n], dtype) for n, dtype in types.items()}
    scores[name] = signature(**taken)["score"].numpy().tolist()
json.dump(scores, sys.stdout)
"""


def score_alone(
    exported: Path, rows: pd.DataFrame, keys: Sequence[str]
) -> dict[str, dict[tuple[int, ...], float]]:
    """Score rows of samples by each signature, and name each score by its row's keys."""
    card = json.loads((exported / "model_card.json").read_text())
    missing = {"int64": card["signatures"]["missing"]["ids"], "string": ""}
    types = {**card["signatures"]["inputs"]["readable"], **dict.fromkeys(ENCODED, "number")}
    columns = {
        name: [missing.get(kind, float("nan")) if v is None or v != v else v for v in rows[name]]
        for name, kind in types.items()
    }
    columns |= {n: list(map(int, columns[n])) for n, kind in types.items() if kind == "int64"}
    ended = subprocess.run(
        [sys.executable, "-c", SCORE_ALONE, str(exported / "1")],
        input=json.dumps(columns, default=float),
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        cwd=exported,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    of_row = [tuple(row) for row in rows[list(keys)].itertuples(index=False)]
    scores = json.loads(ended.stdout)
    return {name: dict(zip(of_row, values, strict=True)) for name, values in scores.items()}
