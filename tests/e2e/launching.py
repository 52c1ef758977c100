"""What it takes to start the project's scripts as users do, and to read what they print."""

import json
import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "MMDIN_MEMORY": "2g"}

ROOT = "build/small"
"""Of the experiment, in its folder."""

Launch = Callable[..., subprocess.CompletedProcess[str]]


@dataclass(frozen=True)
class Disturbed:
    """An experiment that was killed while its second run trained, and started again.

    Attributes:
        killed: output up to the kill.
        resumed: output of the second start.
        results: of the run that had ended when it was killed, by path in the folder.
    """

    killed: str
    resumed: str
    results: dict[str, str]

    @classmethod
    def read(cls, folder: Path) -> "Disturbed":
        """What `write` has written there."""
        return cls(**json.loads((folder / "disturbed.json").read_text()))

    def write(self, folder: Path) -> None:
        """Keep it in a folder."""
        (folder / "disturbed.json").write_text(json.dumps(asdict(self)))


def command(script: str, *arguments: str) -> list[str]:
    """A script of submit/ and its arguments."""
    return [str(PROJECT / "submit" / script), *arguments]


def numbers(pattern: str, text: str) -> list[int]:
    """The groups of the pattern's first match, which are numbers."""
    match = re.search(pattern, text)
    assert match, f"{pattern} is not in:\n{text}"
    return [int(n.replace(",", "")) for n in match.groups()]
