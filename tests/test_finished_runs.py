"""Which trained network is used, from the rows of table runs."""

import datetime
from typing import Any

import pytest
from pyspark.sql import Row

from mmdin.config import Config
from mmdin.errors import TableError
from mmdin.fingerprints import fingerprint
from mmdin.finished_runs import FinishedRun, choose_run
from mmdin.schemas import SAMPLE_TABLES, Table
from mmdin.variants import Plan, Variant, plan_variants

OLD, NEW = 3, 4
"""Versions of the samples."""


class FakeTables:
    """Tables of one root: their newest version, and the ids that Delta gave them."""

    root = "build/x"

    def __init__(self, name: str, ids: str = "first") -> None:
        self.samples, self.ids = name, ids

    def version(self, table: Table) -> int:
        return NEW

    def delta_id(self, table: Table) -> str:
        return f"{table.name} {self.samples} {self.ids}"


def plan(**experiment: Any) -> Plan:
    training = {"models": ["din", "mmdin"], "seeds": [1, 2]}
    values = {"name": "x", "root": "build/x", "training": training, "experiment": experiment}
    return plan_variants(Config.model_validate(values))


def row(
    variant: Variant, seed: int, roc_auc: float | None, version: int = NEW, **values: Any
) -> Row:
    """A row of table runs, of the columns that decide."""
    tables = FakeTables(variant.config.samples.name)
    identities = {t.name: f"{tables.delta_id(t)} {version}" for t in SAMPLE_TABLES}
    started = datetime.datetime(2026, 1, 1) + datetime.timedelta(hours=seed)
    columns = {
        "run_id": f"{variant.label}-{seed}-{version}",
        "model": variant.model,
        "status": "finished",
        "seed": seed,
        "configuration": variant.config.to_yaml(),
        "table_versions": {t.name: version for t in SAMPLE_TABLES},
        "fingerprint": fingerprint(variant, seed, identities),
        "started_at": started,
        "metrics": {"validation_roc_auc": roc_auc},
    }
    return Row(**{**columns, **values})


def choose(rows: list[Row], wanted: str = "", of: Plan | None = None, **ids: str) -> FinishedRun:
    def tables_of(name: str) -> Any:
        return FakeTables(name, **ids)

    return choose_run(rows, of or plan(), wanted, tables_of)


DIN, MMDIN = plan().variants
ROWS = [
    row(DIN, 1, 0.7),
    row(MMDIN, 1, 0.72),
    row(MMDIN, 2, 0.71),
    row(MMDIN, 1, 0.9, OLD),
    row(DIN, 2, 0.95, status="failed"),
]


def test_the_best_on_the_newest_samples_is_the_default() -> None:
    chosen = choose(ROWS)
    assert (chosen.run_id, chosen.model, chosen.validation_roc_auc) == ("mmdin-1-4", "mmdin", 0.72)
    assert chosen.checkpoint == "build/x/checkpoints/mmdin-1-4"
    assert chosen.table_versions["samples"] == NEW
    assert chosen.settings["samples"]["name"] == ""
    assert chosen.title == "mmdin-1-4 (mmdin, validation ROC AUC 0.7200)"
    assert choose([row(DIN, 1, None), row(DIN, 2, 0.4)]).run_id == "din-2-4"


def test_a_run_is_named_by_its_id_its_model_or_its_variant() -> None:
    assert choose(ROWS, "mmdin-1-3").table_versions["samples"] == OLD
    assert choose(ROWS, "din").run_id == "din-1-4"
    experiment = plan(variants={"small": {"networks.embedding_size": 4}, "plain": {}})
    small = [v for v in experiment.variants if v.label == "mmdin (small)"]
    rows = [row(small[0], 2, 0.6), *ROWS]
    assert choose(rows, "mmdin (small)", experiment).run_id == "mmdin (small)-2-4"
    assert choose(rows, "mmdin (plain)", experiment).run_id == "mmdin-1-4"


def test_each_set_of_samples_has_its_own_runs() -> None:
    shuffled = {"training.models": "mmdin", "samples.shuffle_posters": True}
    experiment = plan(variants={"plain": {"training.models": "mmdin"}, "shuffled": shuffled})
    rows = [row(experiment.variants[0], 1, 0.6), row(experiment.variants[1], 1, 0.9)]
    assert choose(rows, of=experiment).run_id == "plain-1-4"
    of_shuffled = choose(rows, "shuffled", experiment)
    assert of_shuffled.run_id == "shuffled-1-4"
    assert of_shuffled.tables.samples == "shuffled"


def test_what_cannot_be_used_is_refused_with_the_runs_that_can() -> None:
    with pytest.raises(TableError, match="is not finished, but failed"):
        choose(ROWS, "din-2-4")
    with pytest.raises(TableError, match=r"no finished run of deepfm on .*mmdin-2-4, .*din-1-4"):
        choose(ROWS, "deepfm")
    earlier = row(MMDIN, 1, 0.7, table_versions={"samples": OLD})
    with pytest.raises(TableError, match=r"trained by earlier code, on samples without vocab"):
        choose([earlier], "mmdin-1-4")
    with pytest.raises(TableError, match="run train; there is no other"):
        choose(ROWS[4:])


def test_tables_that_were_made_again_are_others() -> None:
    with pytest.raises(TableError, match=r"samples that run mmdin-1-4 was trained on are gone"):
        choose(ROWS, "mmdin-1-4", ids="second")
    with pytest.raises(TableError, match="no finished run on the newest samples"):
        choose(ROWS, ids="second")
