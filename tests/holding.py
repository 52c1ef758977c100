"""Executors that wait amid a job until the test has done what it wants to do meanwhile.

What happens to a job that is interrupted must not depend on how fast it is. So tests start the job
with properties of Spark that make its ranks, or Spark's Python workers, hold by themselves.
"""

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

HELD = Path(__file__).with_name("held")


@dataclass(frozen=True)
class Hold:
    """A job that is held in a module: see tests/held/sitecustomize.py.

    Attributes:
        folder: through which executors and test tell each other; on every host.
        after_runs: in training, how many runs of the root have ended before the run that is held.
        module: of training's ranks, which hold at the start of a run's second epoch, or of the
            similarities of movies, where build_samples holds.
    """

    folder: Path
    after_runs: int = 0
    module: str = "mmdin.training.rank.data"

    @property
    def properties(self) -> dict[str, str]:
        """Properties of Spark that give executors the environment variables that they need."""
        variables = {
            "PYTHONPATH": os.pathsep.join([str(HELD), os.environ.get("PYTHONPATH", "")]),
            "MMDIN_HOLD_IN": str(self.folder),
            "MMDIN_HOLD_AFTER_RUNS": str(self.after_runs),
            "MMDIN_HOLD_AT": self.module,
        }
        return {f"spark.executorEnv.{name}": value for name, value in variables.items()}

    def is_reached(self) -> bool:
        """Whether an executor waits; in training, the run's first epoch is saved."""
        return (self.folder / "held").exists()

    def waiting(self) -> psutil.Process:
        """The process that waits; in training, rank 0."""
        return psutil.Process(int((self.folder / "held").read_text()))

    def release(self) -> None:
        """Let those that wait, and those that are started again, go on."""
        (self.folder / "released").touch()


def wait_for(ready: Callable[[], bool], process: subprocess.Popen, log: Path) -> None:
    """Wait until a process has done something; fail with the end of its log if it ends before."""
    latest = time.monotonic() + 400
    while not ready():
        assert process.poll() is None, log.read_text()[-6000:]
        assert time.monotonic() < latest, f"not ready after 400 s:\n{log.read_text()[-6000:]}"
        time.sleep(0.05)
