"""What needs a SparkContext says so on a session of Spark Connect. None is started."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from delta.connect import exceptions as raised_there

from mmdin import tables
from mmdin.config import Config
from mmdin.errors import ClusterError, StorageError
from mmdin.posters.local_files import local_files_in_tasks
from mmdin.recommendation.als import checkpoints_in
from mmdin.stages import run_stages
from mmdin.storage import files_at
from mmdin.variants import plan_variants
from mmdin.world.generate import generate_world


class Session:
    """A session of Spark Connect, with settings and nothing else."""

    def __init__(self, **settings: str) -> None:
        self.conf = settings


Session.__module__ = "pyspark.sql.connect.session"

CONFIG = Config(name="x")


@pytest.mark.parametrize(
    ("what", "refused"),
    [
        ("make_demo_data", lambda: generate_world(Session(), CONFIG)),
        ("ingest_posters", lambda: local_files_in_tasks(Session(), [], 1)),
        ("a pipeline", lambda: run_stages(Session(), plan_variants(CONFIG), [])),
    ],
)
def test_what_needs_a_context_is_refused(what: str, refused: Callable[[], Any]) -> None:
    with pytest.raises(ClusterError, match=rf"^{what} .* SparkContext.*: use a classic session$"):
        refused()
    with pytest.raises(StorageError, match=r"s3a:.* use a classic session, or a folder"):
        files_at(Session(), "s3a://bucket/root")


def test_a_server_without_a_folder_for_checkpoints_is_told_of(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("mmdin"), "propagate", True)
    with checkpoints_in(Session(**{"spark.checkpoint.dir": "/there"}), "root/als"):
        assert not caplog.messages
    with checkpoints_in(Session(), "root/als"):
        (told,) = caplog.messages
    assert "no spark.checkpoint.dir" in told


@pytest.mark.parametrize("name", ["ConcurrentAppendException", "MetadataChangedException"])
def test_conflicts_of_writers_are_known_there_too(name: str) -> None:
    assert issubclass(getattr(raised_there, name), tables._CONFLICTS)
