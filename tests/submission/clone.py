"""A clone of the project whose spark-submit is invented: what launchers hand on is seen at once."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]

SHOW = r"""printf '%s\0' "$@" >"$SEEN/arguments"; env -0 >"$SEEN/environment" """
"""A spark-submit that writes down how it was called."""


@dataclass(frozen=True)
class Clone:
    """A clone.

    Attributes:
        folder: its place.
        seen: folder of what its spark-submit writes down.
    """

    folder: Path
    seen: Path

    def invent(self, script: str) -> None:
        """Let spark-submit be a shell script."""
        _write_script(self.folder / ".venv" / "bin" / "spark-submit", script)

    def command(self, script: str, *arguments: str) -> list[str]:
        """A launcher and its arguments, with a configuration if there are none."""
        given = arguments or ("score", "--conf", str(PROJECT / "conf" / "demo.yaml"))
        return [str(self.folder / "submit" / script), *given]

    def environment(self, changes: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """This process's environment with changes; None takes a variable away."""
        changed = {**os.environ, "SEEN": str(self.seen), **(changes or {})}
        return {name: value for name, value in changed.items() if value is not None}

    def launch(
        self, *arguments: str, script: str = "local.sh", **changes: str | None
    ) -> subprocess.CompletedProcess[str]:
        """Run a launcher to its end, with changes of the environment."""
        return subprocess.run(
            self.command(script, *arguments),
            cwd=self.seen,
            env=self.environment(changes),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def arguments(self) -> list[str]:
        """What spark-submit was given."""
        return (self.seen / "arguments").read_text().split("\0")[:-1]

    def variables(self) -> dict[str, str]:
        """The environment that spark-submit had."""
        lines = (self.seen / "environment").read_text().split("\0")[:-1]
        return dict(line.split("=", 1) for line in lines)

    def was_started(self) -> bool:
        """Whether spark-submit was called at all."""
        return (self.seen / "arguments").exists()


def make_clone(folder: Path) -> Clone:
    """Make a clone in a new folder. Its environment is this one, as if shared between clones."""
    for part in ("mmdin", "submit", "conf/spark", "spark_jobs"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT / part, folder / part, ignore=ignored)
    shared = folder.parent / "shared environment"
    (folder / ".venv").symlink_to(shared)
    (shared / "bin").mkdir(parents=True)
    _write_script(shared / "bin" / "python", f'exec "{sys.executable}" "$@"')
    seen = folder.parent / "seen"
    seen.mkdir()
    clone = Clone(folder, seen)
    clone.invent(SHOW)
    return clone


def invent_command(folder: Path, name: str, script: str) -> None:
    """Write a command for PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_script(folder / name, script)


def _write_script(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
