"""Which jobs the calls of a pipeline run, without running them. What they do is in tests/e2e."""

import logging
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import pytest

from mmdin import Pipeline
from mmdin.config import Config, change

CALLS: dict[str, tuple[Callable[[Pipeline], None], str, dict[str, Any]]] = {
    "generate": (lambda p: p.generate(), "make_demo_data", {}),
    "predict": (lambda p: p.predict("a.csv"), "predict", {"predict.pairs": "a.csv"}),
    "predict by a run": (
        lambda p: p.predict("a.csv", "din"),
        "predict",
        {"predict.pairs": "a.csv", "predict.run": "din"},
    ),
    "recommend": (lambda p: p.recommend(), "recommend", {}),
    "recommend by a run": (lambda p: p.recommend("din"), "recommend", {"recommend.run": "din"}),
    "export": (lambda p: p.export("din"), "export", {"export.run": "din"}),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_runs_its_job_with_settings_that_there_are(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, job, settings = CALLS[name]
    ran: list[tuple[str, dict[str, Any]]] = []
    # With a handler there the pipeline adds none, which later tests would have.
    monkeypatch.setattr(logging.getLogger("mmdin"), "handlers", [logging.NullHandler()])
    monkeypatch.setattr(Pipeline, "job", lambda _, job, given=None: ran.append((job, given or {})))
    spark = Mock()
    spark.conf.get.return_value = "io.delta.sql.DeltaSparkSessionExtension"
    config = Config(name="x", root="build/x")
    call(Pipeline(spark, config))
    assert ran == [(job, settings)]
    change(config, settings, "test")
