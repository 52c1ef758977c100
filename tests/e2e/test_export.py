"""An export needs TensorFlow alone, and gives the scores of table predictions."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from launching import ROOT, Disturbed
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from mmdin.config import load_config
from mmdin.inputs import INPUTS, NUMBERS
from mmdin.schemas import METRICS, PREDICTIONS, SAMPLES
from mmdin.tables import Tables
from mmdin.variants import plan_variants
from spark_jobs import export

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

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

folder, values = sys.argv[1:]
columns = json.load(open(values))
model = tf.saved_model.load(folder)
scores = {}
for name in ("readable", "encoded"):
    signature = model.signatures[name]
    types = {n: spec.dtype for n, spec in signature.structured_input_signature[1].items()}
    taken = {n: tf.constant(columns[n], dtype) for n, dtype in types.items()}
    scores[name] = signature(**taken)["score"].numpy().tolist()
json.dump(scores, sys.stdout)
"""


@pytest.fixture(scope="module")
def exported(spark: SparkSession, disturbed: Disturbed, folder: Path) -> Path:
    """The best run of the variant MMDIN, exported."""
    settings = [f"root={folder / ROOT}", "export.run=MMDIN", "export.licence=CC BY 4.0"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        export.run(spark, plan_variants(load_config(str(folder / "small.yaml"), settings)))
    (run,) = (folder / ROOT / "exports").iterdir()
    return run


@pytest.fixture(scope="module")
def card(exported: Path) -> dict:
    return json.loads((exported / "model_card.json").read_text())


def test_an_export_gives_sparks_scores_without_this_project(
    spark: SparkSession, exported: Path, card: dict, folder: Path, tmp_path: Path
) -> None:
    tables = Tables(spark, str(folder / ROOT))
    version = card["data"]["table_versions"]["samples"]
    scored = tables.read(PREDICTIONS).where(F.col("run_id") == card["model"]["run_id"])
    keys = ["user_id", "movie_id", "rated_at"]
    rows = tables.read(SAMPLES, version).where("split = 'test'").drop("rating", "label")
    rows = rows.join(scored.select(*keys, "score"), keys).toPandas()
    assert len(rows) == scored.count() > 500
    missing = card["signatures"]["missing"]
    types = {**card["signatures"]["inputs"]["readable"], **dict.fromkeys(ENCODED, "number")}
    missing = {"int64": card["signatures"]["missing"]["ids"], "string": ""}
    columns = {
        name: [missing.get(kind, float("nan")) if v is None or v != v else v for v in rows[name]]
        for name, kind in types.items()
    }
    columns |= {n: list(map(int, columns[n])) for n, kind in types.items() if kind == "int64"}
    (tmp_path / "values.json").write_text(json.dumps(columns, default=float))
    command = [
        sys.executable,
        "-c",
        SCORE_ALONE,
        str(exported / "1"),
        str(tmp_path / "values.json"),
    ]
    clear = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    ended = subprocess.run(
        command, env=clear, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    for name, scores in json.loads(ended.stdout).items():
        np.testing.assert_allclose(scores, rows["score"], rtol=0, atol=1e-6, err_msg=name)
    assert rows["score"].nunique() > 100


ENCODED = (*(i.column for i in INPUTS), *(n.column for n in NUMBERS))


def test_the_card_has_the_metrics_that_evaluate_measured(
    spark: SparkSession, exported: Path, card: dict, folder: Path
) -> None:
    measured = Tables(spark, str(folder / ROOT)).read(METRICS).collect()
    roc_auc = {r["run_id"]: r["roc_auc"] for r in measured}
    assert card["evaluation"]["of_this_run"]["roc_auc"] == roc_auc[card["model"]["run_id"]]
    assert card["evaluation"]["slices"] and card["evaluation"]["naive_predictors"]
    assert card["data"]["licence"] == "CC BY 4.0"
    page = (exported / "model_card.md").read_text()
    assert f"| ROC AUC | {card['evaluation']['overall'][0]['mean']:.4f} |" in page
    assert sorted(p.name for p in exported.iterdir()) == [
        *("1", "config.pbtxt", "model_card.json", "model_card.md")
    ]
