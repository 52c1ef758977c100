"""The command mmdin: on a session that is there, or through the launcher."""

import os
import sys
from typing import Any

import pytest

from mmdin.errors import ClusterError
from mmdin.submission import command


def test_without_a_session_it_becomes_the_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[Any] = []

    def become(*call: Any) -> None:
        became.extend(call)
        raise SystemExit

    monkeypatch.setattr(command, "_has_session", lambda: False)
    monkeypatch.setattr(os, "execvpe", become)
    with pytest.raises(SystemExit):
        command.run_command(["score", "--conf", "a b.yaml"], run_here=became.append)
    file, words, environment = became
    assert (file, words[0]) == ("bash", "bash")
    assert words[1].endswith("submit/local.sh")
    assert words[2:] == ["score", "--conf", "a b.yaml"]
    assert environment["MMDIN_PYTHON"] == sys.executable
    assert environment["MMDIN_SPARK_SUBMIT"].endswith("bin/spark-submit")


def test_with_a_session_the_job_runs_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_has_session", lambda: True)
    ran: list[Any] = []
    command.run_command(["score", "--conf", "x.yaml"], lambda *call: ran.append(call))
    assert ran == [("score", ["--conf", "x.yaml"])]
    for wrong in (["scoer"], [], ["sql"]):
        with pytest.raises(ClusterError, match=r"there is no job '.*'; the jobs are: .*score"):
            command.run_command(wrong, lambda *call: ran.append(call))
    assert len(ran) == 1
