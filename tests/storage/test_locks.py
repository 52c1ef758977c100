"""A pipeline is alone under its root; single jobs can be several."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mmdin.errors import StorageError
from mmdin.storage import lock_root


@pytest.fixture
def root(tmp_path: Path) -> str:
    return str(tmp_path)


@pytest.mark.parametrize(("first", "second"), [(True, True), (True, False), (False, True)])
def test_a_pipeline_is_alone_under_its_root(root: str, first: bool, second: bool) -> None:
    with lock_root(root, "pipeline", alone=first):
        holder = rf"pipeline \(process {os.getpid()} on " if first else "another job"
        with (
            pytest.raises(StorageError, match=f"root {root}: {holder}.*set root to another"),
            lock_root(root, "train", alone=second),
        ):
            pytest.fail("both are at work")
    with lock_root(root, "train", alone=second):
        pass


def test_single_jobs_can_be_several(root: str, tmp_path: Path) -> None:
    with lock_root(root, "train", alone=False), lock_root(root, "train", alone=False):
        pass
    (tmp_path / "elsewhere").mkdir()
    with lock_root(root, "a", alone=True), lock_root(str(tmp_path / "elsewhere"), "b", alone=True):
        pass


def test_a_job_that_failed_or_was_killed_holds_nothing(root: str) -> None:
    with pytest.raises(ZeroDivisionError), lock_root(root, "pipeline", alone=True):
        raise ZeroDivisionError
    code = (
        "import sys, time; from mmdin.storage import lock_root\n"
        "with lock_root(sys.argv[1], 'pipeline', alone=True):\n"
        "    print('held', flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", code, root]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with (
            pytest.raises(StorageError, match=f"process {process.pid}"),
            lock_root(root, "x", True),
        ):
            pytest.fail("both are at work")
        process.send_signal(signal.SIGKILL)
    with lock_root(root, "pipeline", alone=True):
        pass
