"""Running spark-submit, and what Ctrl-C does meanwhile."""

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from mmdin.errors import INTERRUPTED
from mmdin.submission.commands import Application


def run_applications(applications: Sequence[Application]) -> int:
    """Run the applications one after the other.

    Returns:
        The status of the first application that fails, or 0.
    """
    for number, application in enumerate(applications, 1):
        if len(applications) > 1:
            print(f"== application {number} of {len(applications)}: {application.label}")
        status = _submit(application)
        if status:
            skipped = "; ".join(a.label for a in applications[number:])
            if skipped or status != INTERRUPTED:
                rest = f"; not submitted: {skipped}" if skipped else ""
                ended = "was stopped" if status == INTERRUPTED else "failed"
                print(f"{application.label} {ended}{rest}", file=sys.stderr)
            return status
    return 0


def _submit(application: Application) -> int:
    status = _run(application)
    if status == 0 and application.status_command:
        answer = subprocess.run(
            application.status_command, check=False, capture_output=True, text=True
        )
        if not re.search(r"phase: Succeeded\b", answer.stdout + answer.stderr):
            print(answer.stdout + answer.stderr, file=sys.stderr)
            return 1
    return status


def _run(application: Application) -> int:
    """Run a spark-submit to its end, also if Ctrl-C comes.

    A terminal sends Ctrl-C to every process. The JVM ignores it, because without the JVM a driver
    can save nothing; so does the driver while it loads. Then the driver listens, and ends with a
    message. Before that, or if the driver runs in the cluster, spark-submit is ended here.
    """
    interrupted = threading.Event()

    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:  # as it is for what a script runs in the background
        signal.signal(signal.SIGINT, lambda *_: interrupted.set())
    try:
        # Not ignored here meanwhile: a Ctrl-C that comes as soon as it has started would be lost.
        process = subprocess.Popen(application.command, preexec_fn=_ignore_interrupts)
        stopped = _end_if_nobody_listens(process, interrupted)
        status = process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    if stopped:
        print(f"{application.label}: {_explain_stop(application)}", file=sys.stderr)
        return INTERRUPTED
    return status if status >= 0 else 128 - status


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _end_if_nobody_listens(process: subprocess.Popen[bytes], interrupted: threading.Event) -> bool:
    """Wait until the process ends or its driver listens; end it when it is interrupted before.

    Returns:
        Whether it was ended here.
    """
    is_last_chance = False
    while not _has_ended(process) and not _has_listening_child(process.pid):
        if is_last_chance:
            process.terminate()
            return True
        # A driver that had begun to listen may have ended just now, and the process ends with it.
        is_last_chance = interrupted.is_set()
    return False


def _has_ended(process: subprocess.Popen[bytes], patience: float = 0.5) -> bool:
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        return False
    return True


def _explain_stop(application: Application) -> str:
    if application.driver_in_cluster:
        return (
            "stopped waiting for it; if the cluster has started it, it is still running there, "
            "and the cluster's own command ends it"
        )
    return "stopped before it began; nothing was changed. Run the same command again"


def _has_listening_child(pid: int) -> bool:
    """Whether a child of the process has set what it does on Ctrl-C."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            status = (process / "status").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue  # it has ended
        fields = dict(re.findall(r"^(PPid|SigCgt):\s*(\w+)$", status, re.MULTILINE))
        if fields.get("PPid") == str(pid) and int(fields["SigCgt"], 16) >> (signal.SIGINT - 1) & 1:
            return True
    return False
