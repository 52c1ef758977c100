"""What is logged of a training run: parameters, epochs and final metrics, from the tables."""

import datetime
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Row

from mmdin.metrics import ALL
from mmdin.schemas import EPOCHS, METRIC_INTERVALS, METRICS, Table
from mmdin.tables import Tables

_OF_EPOCHS = (
    "learning_rate",
    "train_loss",
    "validation_loss",
    "validation_roc_auc",
    "rows_per_second",
)
"""Columns of table epochs that are logged by epoch."""

_NOT_METRICS = ("rows_digest",)


@dataclass(frozen=True)
class Epoch:
    """Numbers of an epoch by name, its number, and the time of its end."""

    number: int
    ended_at: datetime.datetime
    values: Mapping[str, float]


@dataclass(frozen=True)
class RunRecord:
    """What is logged of a training run.

    Attributes:
        run_id: of table runs.
        name: the variant's, with the seed.
        started_at: when it started.
        ended_at: when it ended.
        parameters: of the configuration, by key.
        tags: by name.
        epochs: in order.
        metrics: of the test rows, with the ends of intervals; none before evaluate.
    """

    run_id: str
    name: str
    started_at: datetime.datetime
    ended_at: datetime.datetime
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    epochs: Sequence[Epoch]
    metrics: Mapping[str, float]


def read_records(
    tables: Tables, runs: Mapping[tuple[str, int], Row], settings: Mapping[str, Mapping[str, Any]]
) -> list[RunRecord]:
    """Read the records of finished runs.

    Args:
        tables: of the root.
        runs: rows of table runs by variant and seed.
        settings: sections of each variant's configuration, by variant.
    """
    run_ids = tuple(row["run_id"] for row in runs.values())
    epochs = _rows(tables, EPOCHS, "run_id", run_ids)
    measured = {r["run_id"]: r for r in _rows(tables, METRICS, "run_id", run_ids)}
    variants = tuple(dict.fromkeys(label for label, _ in runs))
    intervals = _rows(tables, METRIC_INTERVALS, "variant", variants)
    return [
        make_record(
            (label, seed),
            row,
            settings[label],
            [e for e in epochs if e["run_id"] == row["run_id"]],
            measured.get(row["run_id"]),
            [r for r in intervals if (r["variant"], r["dimension"]) == (label, ALL)],
        )
        for (label, seed), row in runs.items()
    ]


def make_record(
    variant: tuple[str, int],
    run: Row,
    settings: Mapping[str, Any],
    epochs: Sequence[Row],
    measured: Row | None,
    intervals: Sequence[Row],
) -> RunRecord:
    """Make the record of a run.

    Args:
        variant: its variant's name, and its seed.
        run: row of table runs.
        settings: sections of its configuration.
        epochs: its rows of table epochs.
        measured: its row of table metrics, if it has one.
        intervals: its variant's rows of table metric_intervals, of all test rows.
    """
    label, seed = variant
    return RunRecord(
        run_id=run["run_id"],
        name=f"{label}, seed {seed}",
        started_at=run["started_at"],
        ended_at=run["ended_at"],
        parameters={"model": run["model"], "seed": str(seed), **_flatten(settings)},
        tags={
            "mmdin.run_id": run["run_id"],
            "mmdin.protocol": run["protocol"],
            "mmdin.revision": run["revision"],
            "mmdin.checkpoint": run["checkpoint"],
        },
        epochs=_in_time(run["started_at"], sorted(epochs, key=lambda e: int(e["epoch"]))),
        metrics=_final(measured, intervals) if measured else {},
    )


def _rows(tables: Tables, table: Table, column: str, values: Sequence[str]) -> list[Row]:
    if not tables.exists(table):
        return []
    quoted = ", ".join(f"'{value}'" for value in values)
    return tables.read(table).where(f"{column} IN ({quoted})").collect()


def _flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = str(value)
    return flat


def _in_time(start: datetime.datetime, epochs: Sequence[Row]) -> list[Epoch]:
    ends = itertools.accumulate(float(epoch["seconds"]) for epoch in epochs)
    return [
        Epoch(epoch["epoch"], start + datetime.timedelta(seconds=end), _known(epoch, _OF_EPOCHS))
        for epoch, end in zip(epochs, ends, strict=True)
    ]


def _final(measured: Row, intervals: Sequence[Row]) -> dict[str, float]:
    numbers = [f.name for f in METRICS.schema if f.dataType.typeName() in ("double", "long")]
    final = {f"test_{n}": v for n, v in _known(measured, numbers).items() if n not in _NOT_METRICS}
    final.pop("test_seed", None)
    for row in intervals:
        bounds = _known(row, ("mean", "lower", "upper"))
        final |= {f"test_{row['metric']}_{end}": value for end, value in bounds.items()}
    return final


def _known(row: Row, names: Sequence[str]) -> dict[str, float]:
    return {n: float(row[n]) for n in names if row[n] is not None and not math.isnan(row[n])}
