"""Ranks that are killed or hang, on real Horovod ranks in Spark tasks.

To start ranks takes many seconds, so one call trains all networks of which a rank is killed; a
rank ends or stops itself at the start of an epoch, so that no test waits for the right moment.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cloudpickle
import numpy as np
import psutil
import pytest
from pyspark.sql import SparkSession
from samples_files import folder_of, make_assignment, write_samples

from mmdin.models.checkpoint import load_network
from mmdin.training.assignment import Assignment, read_result
from mmdin.training.driver import train
from mmdin.training.ranks import RankLostError, TrainingFailedError
from mmdin.training.state import read_state

# The ranks' processes cannot import tests: they are sent the functions themselves.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("default::pytest.PytestUnhandledThreadExceptionWarning"),
]

EPOCHS, DISTURBED = 5, 4
"""Of a disturbed network; the epoch at whose start it is disturbed."""


@dataclass(frozen=True)
class Fault:
    """A signal that a rank sends itself: once, or each time that it begins the epoch."""

    rank: int
    signal: signal.Signals
    once: bool = True


def train_with_faults(faults: dict[str, Fault], assignments: Sequence[Assignment]) -> None:
    """Train on a rank that disturbs itself; faults are by the network's checkpoint."""
    from mmdin.training.rank import loop

    class Disturbed(loop.RankData):
        def __init__(self, assignment, ranks, *arguments) -> None:
            super().__init__(assignment, ranks, *arguments)
            self._checkpoint, self._rank = assignment.checkpoint, ranks.rank

        def training(self, epoch: int):
            fault = faults.get(self._checkpoint)
            if epoch == DISTURBED and fault and fault.rank == self._rank:
                happened = Path(f"{self._checkpoint}.happened")
                if not (fault.once and happened.exists()):
                    happened.touch()
                    os.kill(os.getpid(), fault.signal)
            return super().training(epoch)

    loop.RankData = Disturbed
    loop.train_on_rank(assignments)


def run(spark: SparkSession, assignments: list[Assignment], faults: dict[str, Fault]) -> None:
    """Train as the driver does, with ranks that have faults, by name of the network's folder."""
    by_checkpoint = {a.checkpoint: faults.get(Path(a.checkpoint).name) for a in assignments}

    def train_on_rank(assignments: Sequence[Assignment]) -> None:
        train_with_faults(by_checkpoint, assignments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "_train_on_rank", train_on_rank)
        train.train_with_restarts(spark, assignments, assignments[0].config.training)


def processes_of_ranks() -> list[psutil.Process]:
    """The ranks' own processes."""
    ranks = []
    for process in psutil.Process().children(recursive=True):
        # Some have ended since they were listed.
        with contextlib.suppress(psutil.NoSuchProcess):
            command = " ".join(process.cmdline())
            if "horovod.spark.task.gloo_exec_fn" in command and "/bin/sh" not in command:
                ranks.append(process)
    return ranks


@dataclass(frozen=True)
class Trained:
    """Networks trained in one call, by name of their folder, and how the call ended."""

    assignments: dict[str, Assignment]
    error: RankLostError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faults")


@pytest.fixture(scope="module")
def files(folder: Path):
    return write_samples(folder)


@pytest.fixture(scope="module")
def trained(spark: SparkSession, folder: Path, files) -> Trained:
    """A rank is lost three times, one more than is allowed: twice once, and then each time."""

    def assign(name: str, model: str, epochs: int) -> Assignment:
        options = {"epochs": epochs, "patience": epochs, "restarts": 2}
        return make_assignment(folder, name, files, model, **options)

    networks = {
        "ended": assign("ended", "din", 1),
        "undisturbed": assign("undisturbed", "mmdin", EPOCHS),
        "killed-0": assign("killed-0", "mmdin", EPOCHS),
        "killed-1": assign("killed-1", "mmdin", EPOCHS),
        "hopeless": assign("hopeless", "din", EPOCHS),
    }
    faults = {
        "killed-0": Fault(0, signal.SIGKILL),
        "killed-1": Fault(1, signal.SIGKILL),
        "hopeless": Fault(1, signal.SIGKILL, once=False),
    }
    with pytest.raises(RankLostError) as lost:
        run(spark, list(networks.values()), faults)
    return Trained(networks, lost.value)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_rank_costs_at_most_an_epoch(trained: Trained, rank: int) -> None:
    killed, undisturbed = (trained.assignments[n] for n in (f"killed-{rank}", "undisturbed"))
    outcome, expected = (read_result(folder_of(a)) for a in (killed, undisturbed))
    assert outcome and expected
    (resumed_after,) = outcome.resumed_after
    # Rank 0 may be ended with the other before it has saved the epoch that both have ended.
    assert DISTURBED - 2 <= resumed_after <= DISTURBED - 1
    assert expected.resumed_after == ()
    losses = [e.validation_loss for e in outcome.epochs]
    assert losses == [e.validation_loss for e in expected.epochs]
    assert len(losses) == EPOCHS
    mine, others = (load_network(folder_of(a)).weights for a in (killed, undisturbed))
    for one, other in zip(mine, others, strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def test_a_network_that_has_ended_is_not_trained_again(trained: Trained) -> None:
    outcome = read_result(folder_of(trained.assignments["ended"]))
    assert outcome
    assert outcome.resumed_after == ()


def test_a_rank_that_is_killed_too_often_ends_training_with_a_message(trained: Trained) -> None:
    assert "a rank was lost" in str(trained.error)
    folder = folder_of(trained.assignments["hopeless"])
    assert read_result(folder) is None
    assert read_state(folder)


def test_a_rank_that_hangs_ends_training_with_a_message(
    spark: SparkSession, folder: Path, files
) -> None:
    options = {"epochs": EPOCHS, "patience": EPOCHS, "step_timeout": 20}
    assignment = make_assignment(folder, "hangs", files, **options)
    message = r"rank 0 on \S+: no step within \d+ s \(training.step_timeout\): another rank hangs"
    with pytest.raises(TrainingFailedError, match=message):
        run(spark, [assignment], {"hangs": Fault(1, signal.SIGSTOP)})
    assert not processes_of_ranks()
