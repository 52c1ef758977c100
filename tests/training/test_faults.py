"""Ranks that are killed or hang, on real Horovod ranks in Spark tasks."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
from pyspark.sql import SparkSession
from samples_files import folder_of, make_assignment, write_samples

from mmdin.models.checkpoint import load_network
from mmdin.training.assignment import Assignment, read_outcome
from mmdin.training.driver.train import run_to_the_end
from mmdin.training.ranks import RankLostError, TrainingFailedError
from mmdin.training.state import read_progress

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("default::pytest.PytestUnhandledThreadExceptionWarning"),
]

LONG = {"epochs": 12, "patience": 12}


def processes_of_ranks() -> list[psutil.Process]:
    """The ranks' own processes, in order of rank."""
    found = {}
    for process in psutil.Process().children(recursive=True):
        # Some have ended, and wait for nothing but to be forgotten.
        with contextlib.suppress(psutil.NoSuchProcess):
            command = " ".join(process.cmdline())
            if "horovod.spark.task.gloo_exec_fn" in command and "/bin/sh" not in command:
                found[process.environ()["HOROVOD_RANK"]] = process
    return [process for _, process in sorted(found.items())]


def after_epochs(assignment: Assignment, epochs: int, act: Callable[[], None]) -> None:
    """Act once so many epochs are saved."""

    def wait() -> None:
        while not (saved := read_progress(folder_of(assignment))) or len(saved[0].epochs) < epochs:
            time.sleep(0.05)
        act()

    threading.Thread(target=wait, daemon=True).start()


def train(spark: SparkSession, *assignments: Assignment) -> None:
    run_to_the_end(spark, list(assignments), assignments[0].config.training)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faults")


@pytest.fixture(scope="module")
def files(folder: Path):
    return write_samples(folder)


@pytest.fixture(scope="module")
def undisturbed(spark: SparkSession, folder: Path, files) -> Assignment:
    assignment = make_assignment(folder, "undisturbed", files, "mmdin", **LONG)
    train(spark, assignment)
    return assignment


@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_rank_costs_at_most_an_epoch(
    spark: SparkSession, folder: Path, files, undisturbed: Assignment, rank: int
) -> None:
    ended = make_assignment(folder, f"ended-{rank}", files, "din", epochs=1)
    killed = make_assignment(folder, f"killed-{rank}", files, "mmdin", **LONG)
    after_epochs(killed, 3, lambda: processes_of_ranks()[rank].kill())
    train(spark, ended, killed)
    outcome, expected = (
        read_outcome(folder_of(killed)),
        read_outcome(folder_of(undisturbed)),
    )
    assert outcome and expected
    (resumed_after,) = outcome.resumed_after
    assert 3 <= resumed_after < LONG["epochs"]
    losses = [e.validation_loss for e in outcome.epochs]
    assert losses == [e.validation_loss for e in expected.epochs]
    mine, others = (load_network(folder_of(a)).weights for a in (killed, undisturbed))
    for one, other in zip(mine, others, strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
    assert read_outcome(folder_of(ended)).resumed_after == ()


def test_a_rank_that_is_killed_each_time_ends_training_with_a_message(
    spark: SparkSession, folder: Path, files
) -> None:
    assignment = make_assignment(folder, "hopeless", files, epochs=500, patience=500, restarts=0)
    after_epochs(assignment, 1, lambda: processes_of_ranks()[1].kill())
    with pytest.raises(RankLostError, match="a rank was lost"):
        train(spark, assignment)
    assert read_outcome(folder_of(assignment)) is None
    assert read_progress(folder_of(assignment))


def test_a_rank_that_hangs_ends_training_with_a_message(
    spark: SparkSession, folder: Path, files
) -> None:
    assignment = make_assignment(folder, "hangs", files, epochs=500, patience=500, step_timeout=20)
    after_epochs(assignment, 1, lambda: processes_of_ranks()[1].send_signal(signal.SIGSTOP))
    said = r"rank 0 on \S+: no step within 2\d s \(training.step_timeout\): another rank hangs"
    with pytest.raises(TrainingFailedError, match=said):
        train(spark, assignment)
    assert not processes_of_ranks()
