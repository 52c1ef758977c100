"""What lies beside an exported model. Its scores are in test_one_score.py."""

import json
from pathlib import Path

import pytest
from launching import ROOT
from pyspark.sql import SparkSession

from mmdin.schemas import METRICS
from mmdin.tables import Tables

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def test_the_card_has_the_metrics_that_evaluate_measured(
    spark: SparkSession, exported: Path, folder: Path
) -> None:
    card = json.loads((exported / "model_card.json").read_text())
    measured = Tables(spark, str(folder / ROOT)).read(METRICS).collect()
    roc_auc = {r["run_id"]: r["roc_auc"] for r in measured}
    assert card["model"]["run_id"] == exported.name
    assert card["evaluation"]["of_this_run"]["roc_auc"] == roc_auc[exported.name]
    assert card["evaluation"]["slices"] and card["evaluation"]["naive_predictors"]
    assert card["data"]["licence"] == "CC BY 4.0"
    page = (exported / "model_card.md").read_text()
    assert f"| ROC AUC | {card['evaluation']['overall'][0]['mean']:.4f} |" in page
    assert sorted(p.name for p in exported.iterdir()) == [
        *("1", "config.pbtxt", "model_card.json", "model_card.md")
    ]
