"""An experiment that is killed in the middle ends as if it had been left alone."""

import csv
import shutil
from pathlib import Path

import pytest
from launching import ROOT, Disturbed, numbers
from pyspark.sql import SparkSession

from mmdin.config import load_config
from mmdin.fingerprints import trained_runs
from mmdin.predictors import BEST_POSSIBLE, NAIVE
from mmdin.storage import local_folder
from mmdin.tables import Tables
from mmdin.training.assignment import read_result
from mmdin.training.driver.train import train_networks
from mmdin.variants import plan_variants

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

NETWORKS = ("MMDIN", "shuffled posters")
PREDICTORS = (*NAIVE, BEST_POSSIBLE)
"""Variants of networks, and predictors."""

NUMBERS = ("epoch", "learning_rate", "train_loss", "validation_loss", "validation_roc_auc")
"""What is the same of an epoch whenever it is trained."""

Checkpoints = dict[tuple[str, int], Path]
"""Folders of trained networks, by variant and seed."""


@pytest.fixture(scope="module")
def resumed(spark: SparkSession, disturbed: Disturbed, folder: Path) -> Checkpoints:
    """The experiment's networks, of which one was interrupted."""
    trained = {}
    plan = plan_variants(load_config(str(folder / "small.yaml"), [f"root={folder / ROOT}"]))
    for samples in plan.sample_sets():
        trained |= trained_runs(Tables.of(spark, samples.config), samples.variants)
    return {key: folder / run["checkpoint"] for key, run in trained.items()}


@pytest.fixture(scope="module")
def undisturbed(spark: SparkSession, disturbed: Disturbed, folder: Path) -> Checkpoints:
    """The interrupted network, trained in one go on the same samples.

    Its root is relative, to another folder than the one in which Spark was started.
    """
    results = shutil.ignore_patterns("runs", "epochs", "*predictions")
    shutil.copytree(folder / ROOT / "tables", folder / "undisturbed/tables", ignore=results)
    settings = ["root=undisturbed", "training.seeds=[1]"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        alone = plan_variants(load_config("small.yaml", settings))
        runs = train_networks(spark, alone.sample_sets()[0])
    return {(run.variant.label, run.seed): folder / run.checkpoint for run in runs}


def test_every_variant_and_seed_is_compared(disturbed: Disturbed, folder: Path) -> None:
    with (folder / ROOT / "report" / "metrics.csv").open() as file:
        roc_auc = {(r["variant"], r["seed"]): r["roc_auc"] for r in csv.DictReader(file)}
    of_networks = {(v, s) for v in NETWORKS for s in ("1", "2")}
    assert set(roc_auc) == of_networks | {(p, "") for p in PREDICTORS}
    assert len({roc_auc[run] for run in of_networks}) == len(of_networks)
    assert "Means over 2 training seeds" in disturbed.resumed
    assert "2 runs" not in disturbed.resumed


def test_killed_and_started_again_it_ends_with_the_same_networks(
    resumed: Checkpoints, undisturbed: Checkpoints
) -> None:
    assert set(undisturbed) == {("MMDIN", 1)}
    for key, folder in undisturbed.items():
        expected, got = (read_result(local_folder(f)) for f in (folder, resumed[key]))
        assert expected and got
        for epoch, other in zip(expected.epochs, got.epochs, strict=True):
            assert [getattr(epoch, n) for n in NUMBERS] == [getattr(other, n) for n in NUMBERS]
        assert got.resumed_after == (1,)
        for file in ("network.json", "best.weights.h5"):
            assert (folder / file).read_bytes() == (resumed[key] / file).read_bytes()


def test_what_had_ended_is_not_done_again(disturbed: Disturbed, folder: Path) -> None:
    assert len(disturbed.results) == 1
    assert numbers(r"4 runs, of which (\d) ended before", disturbed.resumed) == [1]
    for path, result in disturbed.results.items():
        assert (folder / path).read_text() == result
    assert "build_samples: unchanged, skipped" in disturbed.resumed
    assert "(MMDIN, seed 1) is resumed after its last saved epoch" in disturbed.resumed
