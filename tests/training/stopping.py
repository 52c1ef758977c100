"""Training in this process, to its end or up to an epoch."""

import pytest
from one_rank import OneRank

from mmdin.storage import local_folder
from mmdin.training.assignment import Assignment, TrainingResult
from mmdin.training.rank import checkpointing, loop
from mmdin.training.rank.step import Steps
from mmdin.training.rank.watchdog import Watchdog


class StoppedError(Exception):
    """Instead of the end of the process."""


def train(assignment: Assignment, steps: Steps | None = None) -> TrainingResult:
    steps = steps or Steps(OneRank())
    with Watchdog(600, lambda silence: None) as watchdog:
        return loop.train_network(assignment, steps, watchdog, local_folder("").files)


def train_until(
    assignment: Assignment, epoch: int, saved: bool = True, steps: Steps | None = None
) -> None:
    """Train until the state after an epoch has been saved, or would be."""
    leave = checkpointing.write_state

    def stop(folder, state, variables) -> None:
        if len(state.epochs) < epoch or saved:
            leave(folder, state, variables)
        if len(state.epochs) == epoch:
            raise StoppedError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpointing, "write_state", stop)
        with pytest.raises(StoppedError):
            train(assignment, steps)
