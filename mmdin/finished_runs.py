"""Which trained network is used: a named run, or the best one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pyspark.sql import Row, SparkSession

from mmdin.config.yaml_core import read_yaml
from mmdin.errors import TableError
from mmdin.fingerprints import fingerprint, fingerprint_of, sample_identities, sample_versions
from mmdin.schemas import RUNS, SAMPLE_TABLES
from mmdin.storage import join
from mmdin.tables import Tables
from mmdin.variants import Plan

_LISTED = 5
"""Runs that a message names."""

TablesOf = Callable[[str], Tables]
"""The root's tables of the samples of a name, as samples.name has it."""


@dataclass(frozen=True)
class FinishedRun:
    """A finished row of table runs.

    Attributes:
        row: with the columns of mmdin.schemas.RUNS.
        root: that the run is under. Column checkpoint can name another: a root can be moved.
        tables: of the root, with the samples of this run.
    """

    row: Row
    root: str
    tables: Tables

    @property
    def run_id(self) -> str:
        """Key of table runs."""
        return str(self.row["run_id"])

    @property
    def model(self) -> str:
        """The network."""
        return str(self.row["model"])

    @property
    def checkpoint(self) -> str:
        """Path or URL of the folder of the weights."""
        return join(self.root, "checkpoints", self.run_id)

    @property
    def table_versions(self) -> dict[str, int]:
        """Delta version that the run read of each of SAMPLE_TABLES, by name."""
        return dict(self.row["table_versions"])

    @property
    def validation_roc_auc(self) -> float | None:
        """Of the best epoch; None if the validation rows are of one class."""
        return (self.row["metrics"] or {}).get("validation_roc_auc")

    @property
    def settings(self) -> Mapping[str, Any]:
        """The run's own configuration, as nested values: other code can have had other keys."""
        return _read_settings(self.row)

    @property
    def title(self) -> str:
        """Its name on the console, with its validation ROC AUC."""
        roc_auc = self.validation_roc_auc
        shown = "undefined" if roc_auc is None else f"{roc_auc:.4f}"
        return f"{self.run_id} ({self.model}, validation ROC AUC {shown})"

    def is_on(self, identities: Mapping[str, str]) -> bool:
        """Whether these are the samples that it was trained on: see sample_identities."""
        digest = fingerprint_of(self.model, self.row["seed"], self.settings, identities)
        return digest == str(self.row["fingerprint"])


def find_run(spark: SparkSession, plan: Plan, wanted: str = "") -> FinishedRun:
    """Find the run that is to be used.

    Args:
        spark: session that reads table runs.
        plan: of the configuration.
        wanted: a run_id, the name of a variant of the configuration, or a model. Of several runs
            of a variant or a model, the best by validation ROC AUC on the newest samples is taken.
            If empty, the best of all runs on the newest of the configuration's (first) samples.

    Raises:
        TableError: if there is none; names those that there are.
    """
    rows = Tables.of(spark, plan.config).read(RUNS).collect()
    return choose_run(rows, plan, wanted, _tables_of(spark, plan))


def runs_on_newest_samples(spark: SparkSession, plan: Plan) -> list[FinishedRun]:
    """All finished runs on the newest of the configuration's (first) samples, the best first."""
    config = plan.config
    rows = Tables.of(spark, config).read(RUNS).where("status = 'finished'").collect()
    tables_of = _tables_of(spark, plan)
    finished = [_run_of(row, plan, tables_of) for row in rows]
    return sorted(_on_newest(finished, plan, tables_of), key=_worth, reverse=True)


def _tables_of(spark: SparkSession, plan: Plan) -> TablesOf:
    config = plan.config
    source, database = config.input.tables, config.tables.database
    return lambda name: Tables(spark, config.root, source, name, database)


def _on_newest(runs: Sequence[FinishedRun], plan: Plan, tables_of: TablesOf) -> list[FinishedRun]:
    name = plan.sample_sets()[0].config.samples.name
    newest = _newest(tables_of(name))
    return [run for run in runs if _samples_name(run.row) == name and run.is_on(newest)]


def choose_run(rows: Sequence[Row], plan: Plan, wanted: str, tables_of: TablesOf) -> FinishedRun:
    """Choose the run that find_run returns, of the rows of table runs."""
    if named := [r for r in rows if r["run_id"] == wanted]:
        return _check_usable(_run_of(named[0], plan, tables_of))
    finished = [_run_of(r, plan, tables_of) for r in rows if r["status"] == "finished"]
    runs = _runs_of_variant(finished, plan, wanted, tables_of)
    if not runs:
        same = [run for run in finished if wanted in ("", run.model)]
        runs = _on_newest(same, plan, tables_of)
    if not runs:
        raise TableError(_explain_none(finished, wanted))
    return max(runs, key=_worth)


def _run_of(row: Row, plan: Plan, tables_of: TablesOf) -> FinishedRun:
    return FinishedRun(row, plan.config.root, tables_of(_samples_name(row)))


def _samples_name(row: Row) -> str:
    return str(_read_settings(row)["samples"]["name"])


def _read_settings(row: Row) -> Mapping[str, Any]:
    return _parse(str(row["configuration"]))


@lru_cache(maxsize=1000)
def _parse(configuration: str) -> Mapping[str, Any]:
    settings: Mapping[str, Any] = read_yaml(configuration)
    return settings


def _newest(tables: Tables) -> dict[str, str]:
    return sample_identities(tables, sample_versions(tables))


def _runs_of_variant(
    runs: Sequence[FinishedRun], plan: Plan, wanted: str, tables_of: TablesOf
) -> list[FinishedRun]:
    variants = [v for v in plan.variants if v.label == wanted]
    digests = {
        fingerprint(variant, seed, _newest(tables_of(variant.config.samples.name)))
        for variant in variants
        for seed in variant.config.training.seeds
    }
    return [run for run in runs if run.row["fingerprint"] in digests]


def _worth(run: FinishedRun) -> tuple[float, Any]:
    """Order of runs: by validation ROC AUC, and of equal ones the latest is last."""
    roc_auc = run.validation_roc_auc
    return (-1.0 if roc_auc is None else roc_auc), run.row["started_at"]


def _check_usable(run: FinishedRun) -> FinishedRun:
    if run.row["status"] != "finished":
        raise TableError(
            f"run {run.run_id} is not finished, but {run.row['status']}: run train, or name another"
        )
    lacking = [t.name for t in SAMPLE_TABLES if t.name not in run.table_versions]
    if lacking:
        raise TableError(
            f"run {run.run_id} was trained by earlier code, on samples without "
            f"{', '.join(lacking)}: run the pipeline again, and use the new run"
        )
    if not run.is_on(sample_identities(run.tables, run.table_versions)):
        raise TableError(
            f"the samples that run {run.run_id} was trained on are gone: "
            f"{run.tables.root} holds others. Run train, and use the new run"
        )
    return run


def _explain_none(finished: Sequence[FinishedRun], wanted: str) -> str:
    latest = sorted(finished, key=lambda r: r.row["started_at"], reverse=True)[:_LISTED]
    there = ", ".join(f"{run.run_id}" for run in latest)
    known = f"the latest finished runs, by run_id: {there}" if there else "there is no other"
    which = f"of {wanted} " if wanted else ""
    return f"no finished run {which}on the newest samples: run train; {known}"
