"""What it takes to see the commands that launchers make, without running them."""

import os
import shlex
import subprocess
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
HERE = {k: v for k, v in os.environ.items() if k not in ("HADOOP_CONF_DIR", "YARN_CONF_DIR")}

ARGUMENTS = {
    "standalone": (),
    "yarn": (),
    "kubernetes": ("--image", "somewhere/mmdin", "--set", "root=/shared/run"),
}
"""What each kind of cluster needs said beside the job and its configuration."""


def launch(
    script: str, *arguments: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a script of submit/ in the project's folder, to its end."""
    return subprocess.run(
        [str(PROJECT / "submit" / script), *arguments],
        cwd=PROJECT,
        env={**HERE, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def dry_run(kind: str, job: str, *arguments: str) -> list[list[str]]:
    """The commands that a launcher would run."""
    given = ("--conf", "conf/demo.yaml", *ARGUMENTS[kind], *arguments)
    ended = launch(f"{kind}.sh", job, "--dry-run", *given)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return [shlex.split(line) for line in ended.stdout.splitlines()]


def properties(command: list[str]) -> dict[str, str]:
    """Spark's properties of a spark-submit command, those before the job's own options."""
    job = next(n for n, word in enumerate(command) if word.endswith(".py"))
    return dict(command[n + 1].split("=", 1) for n in range(job) if command[n] == "--conf")


def option(command: list[str], name: str) -> str | None:
    """The value of an option such as --master, None where the command has none."""
    return command[command.index(name) + 1] if name in command else None
