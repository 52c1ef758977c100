"""Ranks that wait at the start of an epoch until the test has done what it wants to do meanwhile.

What happens to training that is interrupted must not depend on how fast it is. So tests start the
job with properties of Spark that make its ranks hold by themselves.
"""

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HELD = Path(__file__).with_name("held")


@dataclass(frozen=True)
class Hold:
    """Training that is held at the start of the second epoch of a run.

    Attributes:
        folder: through which ranks and test tell each other; on every host.
        after_runs: how many runs of the root have ended before that run.
    """

    folder: Path
    after_runs: int = 0

    @property
    def properties(self) -> dict[str, str]:
        """Properties of Spark that give ranks the environment variables that they need."""
        variables = {
            "PYTHONPATH": os.pathsep.join([str(HELD), os.environ.get("PYTHONPATH", "")]),
            "MMDIN_HOLD_IN": str(self.folder),
            "MMDIN_HOLD_AFTER_RUNS": str(self.after_runs),
        }
        return {f"spark.executorEnv.{name}": value for name, value in variables.items()}

    def is_reached(self) -> bool:
        """Whether the run's first epoch is saved, and its ranks wait."""
        return (self.folder / "held").exists()

    def release(self) -> None:
        """Let the ranks, and those that are started again, train on."""
        (self.folder / "released").touch()


def wait_for(ready: Callable[[], bool], process: subprocess.Popen, log: Path) -> None:
    """Wait until a process has done something; fail with the end of its log if it ends before."""
    latest = time.monotonic() + 400
    while not ready():
        assert process.poll() is None, log.read_text()[-6000:]
        assert time.monotonic() < latest, f"not ready after 400 s:\n{log.read_text()[-6000:]}"
        time.sleep(0.05)
