"""Patches of Horovod's driver hold while ranks run, and only for the version they were made for."""

import re
import shutil
import threading
from pathlib import Path
from types import SimpleNamespace

import cloudpickle
import horovod
import horovod.runner.gloo_run
import horovod.runner.launch
import horovod.spark.runner
import pytest

from mmdin.errors import ClusterError
from mmdin.training.horovod_patches import PATCHED_VERSION, patched_driver
from mmdin.training.ranks import run_on_ranks

SETUP = Path(__file__).resolve().parents[2] / "setup.py"


def test_patches_are_for_the_version_that_is_pinned() -> None:
    pinned = re.search(r'"horovod==([^"]+)"', SETUP.read_text())
    assert pinned
    assert pinned[1] == PATCHED_VERSION


def test_patches_are_undone_after_the_context() -> None:
    gloo_run, launch, abort = horovod.runner.gloo_run, horovod.runner.launch, threading.Event()
    usual = shutil.COPY_BUFSIZE, gloo_run.register_shutdown_event, launch.gloo_built
    with patched_driver(abort):
        assert shutil.COPY_BUFSIZE == 1
        assert gloo_run.register_shutdown_event() is abort
        assert launch.gloo_built(verbose=False)
        assert launch.gloo_built is not usual[2]
    assert (shutil.COPY_BUFSIZE, gloo_run.register_shutdown_event, launch.gloo_built) == usual


def test_tasks_end_soon_after_their_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    runner, called = horovod.spark.runner, []
    monkeypatch.setattr(runner, "MINIMUM_COMMAND_LIFETIME_S", runner.MINIMUM_COMMAND_LIFETIME_S)
    monkeypatch.setattr(runner, "_task_fn", lambda *arguments: called.append(arguments))
    settings = SimpleNamespace(key="secret")
    with patched_driver(threading.Event()):
        sent = cloudpickle.dumps(runner._make_mapper("addresses", settings, True, False))
    assert list(cloudpickle.loads(sent)(1, iter(()))) == [None]
    assert called == [(1, "addresses", "secret", settings, True, False)]
    assert runner.MINIMUM_COMMAND_LIFETIME_S < 1


def test_another_version_is_refused_before_anything_is_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(horovod, "__version__", "0.29.0")
    usual = shutil.COPY_BUFSIZE
    with pytest.raises(ClusterError, match=rf"Horovod 0\.29\.0 is .*Horovod {PATCHED_VERSION}:"):
        run_on_ranks(None, print, [], ranks=2)
    assert usual == shutil.COPY_BUFSIZE
