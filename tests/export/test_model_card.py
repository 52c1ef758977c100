"""The model card: what it tells of a run, evaluated or not."""

import datetime
import json
from typing import Any

from pyspark.sql import Row

from mmdin.config import Config
from mmdin.export import facts as gathered
from mmdin.export.facts import gather_facts
from mmdin.export.model_card import render_card
from mmdin.finished_runs import FinishedRun
from mmdin.metrics import METRICS
from mmdin.schemas import METRIC_INTERVALS
from mmdin.schemas import METRICS as METRICS_TABLE

RUN = FinishedRun(
    Row(
        run_id="mmdin-1",
        model="mmdin",
        seed=3,
        parameters=12_345,
        best_epoch=7,
        ended_at=datetime.datetime(2026, 3, 4, 5, 6, 7),
        revision="abc",
        metrics={"validation_roc_auc": 0.75},
        table_versions={"samples": 2},
        rows={"train": 1000, "validation": 100},
        packages={"tensorflow": "2.21.0"},
        configuration=Config.model_validate(
            {"name": "small", "root": "r", "input": {"movielens": "/somewhere/ml-latest-small/"}}
        ).to_yaml(),
    ),
    "r",
    tables=None,  # type: ignore[arg-type]
)
SIGNATURES = {"readable": {"user_id": "int64"}, "encoded": {"user_index": "int32"}}


class NoTables:
    def exists(self, table: object) -> bool:
        return False


def facts_of(run: FinishedRun, **export: str) -> dict[str, Any]:
    config = Config.model_validate({"name": "small", "root": "r", "export": export})
    return gather_facts(run, config, SIGNATURES, -1)


def without_tables() -> FinishedRun:
    return FinishedRun(RUN.row, RUN.root, NoTables())  # type: ignore[arg-type]


def test_a_run_that_was_not_evaluated_says_so() -> None:
    facts = facts_of(without_tables())
    assert facts["evaluation"] is None
    assert json.loads(json.dumps(facts)) == facts
    page = render_card(facts)
    assert page.startswith("# mmdin: mmdin-1\n")
    for text in (
        "12,345 parameters, seed 3, epoch 7",
        "rates a movie 3.5 stars or more",
        "source: ml-latest-small (configuration small)",
        "licence: not stated",
        "rows: 1,000 train, 100 validation",
        "has not been evaluated: job evaluate measures it",
        "Ratings of movies without a poster are not in the training rows.",
        "| `user_id` | int64 |",
        "tensorflow 2.21.0",
    ):
        assert text in page
    assert "/somewhere" not in page


def test_the_licence_is_what_the_configuration_names() -> None:
    assert facts_of(without_tables(), licence="CC BY 4.0")["data"]["licence"] == "CC BY 4.0"


def test_metrics_have_their_intervals_and_slices(monkeypatch: Any) -> None:
    monkeypatch.setattr(gathered, "_rows_of", lambda run, table, condition: TABLES.get(table, []))
    page = render_card(facts_of(without_tables()))
    assert "On 500 test rows of 40 users. Means over 2 training seeds of mmdin" in page
    assert "| ROC AUC | 0.7000 | [0.6000, 0.8000] | 0.7100 |" in page
    assert "| additive | 0.6500 | [0.6000, 0.7000] |" in page
    assert "| user | new | 50 | ROC AUC | undefined | - |" in page


def interval(variant: str, place: tuple[str, str], mean: float | None, **values: Any) -> Any:
    lower, upper = (None, None) if mean is None else (0.6, 0.8)
    size = {"rows": 500, "positives": 250, "users": 40, "movies": 60, "seeds": 2}
    names = {"dimension": place[0], "slice": place[1], "metric": "roc_auc", "variant": variant}
    return {**names, **size, "mean": mean, "lower": lower, "upper": upper, **values}


TABLES = {
    METRICS_TABLE: [
        {
            **dict.fromkeys(METRICS_TABLE.columns),
            **{m.name: 0.71 for m in METRICS},
            "variant": "mmdin",
            "protocol": "point_in_time",
        }
    ],
    METRIC_INTERVALS: [
        interval("mmdin", ("all", "all"), 0.7),
        interval("mmdin", ("user", "new"), None, rows=50),
        interval("additive", ("all", "all"), 0.65, upper=0.7),
    ],
}
