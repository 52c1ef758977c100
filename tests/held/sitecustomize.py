"""Every Python that has this folder in PYTHONPATH runs this first; see tests/holding.py."""

import importlib.machinery
import os
import sys
import time
from pathlib import Path

FOLDER = Path(os.environ["MMDIN_HOLD_IN"])
AFTER_RUNS, EPOCH = int(os.environ["MMDIN_HOLD_AFTER_RUNS"]), 2


def tell() -> None:
    """Tell the test which process waits."""
    file = FOLDER / f"held by {os.getpid()}"
    file.write_text(str(os.getpid()))
    file.rename(FOLDER / "held")


def wait() -> None:
    """Wait until the test releases what it holds."""
    while not (FOLDER / "released").exists():
        time.sleep(0.05)


def hold_ranks(rank_data) -> None:
    """Make ranks wait before they read the rows of the epoch, until they are released."""
    usual = rank_data.training

    def training(self, epoch: int):
        ended = len(list(Path(self._assignment.checkpoint).parent.glob("*/result.json")))
        if (ended, epoch) == (AFTER_RUNS, EPOCH):
            if self._communicator.rank == 0:  # It has saved the epoch before.
                tell()
            wait()
        return usual(self, epoch)

    rank_data.training = training


def hold_similarities(neighbours) -> None:
    """Make Python workers wait before they sum up what similarities are fitted on."""
    usual = neighbours.sum_products

    def sum_products(*arguments):
        tell()
        wait()
        return usual(*arguments)

    neighbours.sum_products = sum_products


HOLDS = {
    "mmdin.training.rank.data": lambda module: hold_ranks(module.RankData),
    "mmdin.features.neighbours": hold_similarities,
}
HELD = os.environ["MMDIN_HOLD_AT"]


class Finder:
    """Has the module that is held changed as soon as it is imported."""

    @staticmethod
    def find_spec(name: str, path=None, target=None):
        if name != HELD:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        execute = spec.loader.exec_module

        def execute_and_hold(module) -> None:
            execute(module)
            HOLDS[HELD](module)

        spec.loader.exec_module = execute_and_hold
        return spec


sys.meta_path.insert(0, Finder)
