"""Ctrl-C at a launcher, with an invented spark-submit."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from clone import Clone, make_clone

from mmdin.submission import running
from mmdin.submission.commands import Application

DRIVER = """
import pathlib, signal, sys, time
assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
def stop(number, frame):
    print("score: stopped, all is kept", flush=True)
    sys.exit(130)
signal.signal(signal.SIGINT, stop)
pathlib.Path(sys.argv[1], "begun").touch()
time.sleep(100)
"""
"""A job's driver that listens to Ctrl-C."""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    return make_clone(tmp_path_factory.mktemp("interrupted") / "clone")


def interrupt(clone: Clone, *arguments: str) -> tuple[int, str]:
    """Launch, send Ctrl-C to all processes when the application has begun; status and output."""
    (clone.seen / "begun").unlink(missing_ok=True)
    process = subprocess.Popen(
        clone.command("local.sh", *arguments),
        env=clone.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=_heed_interrupts,
    )
    deadline = time.monotonic() + 60
    while not (clone.seen / "begun").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    return process.returncode, output


def _heed_interrupts() -> None:
    """As from a terminal, also if the tests run in the background, where shells ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_before_the_driver_listens_the_launcher_ends_it_all(clone: Clone) -> None:
    clone.invent('echo $$ >"$SEEN/begun"; exec sleep 100')
    assert interrupt(clone) == (
        130,
        "score: stopped before it began; nothing was changed. Run the same command again\n",
    )
    assert not Path(f"/proc/{(clone.seen / 'begun').read_text().strip()}").exists()


def test_a_driver_that_listens_has_the_last_word(clone: Clone, tmp_path: Path) -> None:
    (tmp_path / "driver.py").write_text(DRIVER)
    clone.invent(f'"{sys.executable}" "{tmp_path}/driver.py" "$SEEN"; exit $?')
    assert interrupt(clone) == (130, "score: stopped, all is kept\n")


def test_what_a_cluster_runs_may_still_be_running() -> None:
    here = Application("train", ())
    there = Application("train", (), driver_in_cluster=True)
    assert "still running there" in running._explain_stop(there)
    assert "nothing was changed" in running._explain_stop(here)


@pytest.mark.parametrize(
    ("scripts", "status", "message"),
    [
        (("exit 130", "true"), 130, "part 0 was stopped; not submitted: part 1\n"),
        (("exit 130",), 130, ""),
        (("exit 3",), 3, "part 0 failed\n"),
        (("kill -9 $$",), 137, "part 0 failed\n"),
    ],
)
def test_a_part_that_was_stopped_is_the_last(
    scripts: Sequence[str], status: int, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    parts = [Application(f"part {n}", ("sh", "-c", s)) for n, s in enumerate(scripts)]
    assert running.run_applications(parts) == status
    assert capfd.readouterr().err == message
