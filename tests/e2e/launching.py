"""What it takes to start the project's scripts as users do."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "MMDIN_MEMORY": "2g"}

Launch = Callable[..., subprocess.CompletedProcess[str]]


def command(script: str, *arguments: str) -> list[str]:
    """A script of submit/ and its arguments."""
    return [str(PROJECT / "submit" / script), *arguments]
