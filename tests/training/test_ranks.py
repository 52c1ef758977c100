"""Real Horovod ranks in Spark tasks: two against one, and a rank that fails.

To start and end ranks takes many seconds, so one launch of two ranks does all that succeeds.
"""

import logging
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cloudpickle
import numpy as np
import pytest
from one_rank import OneRank
from pyspark.sql import SparkSession
from samples_files import SIZES, folder_of, make_assignment, write_samples

from mmdin.config import Networks, Training
from mmdin.errors import ClusterError
from mmdin.training.assignment import Assignment, read_result
from mmdin.training.ranks import (
    Communicator,
    TrainingFailedError,
    require_own_name,
    run_on_ranks,
)

# The ranks' processes cannot import tests: they are sent the functions themselves.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

GLOBAL_BATCH, STEPS = 24, 12
# Without anything random, so that only the ranks differ.
PLAIN = Networks(
    embedding_size=4,
    hidden_units=(8,),
    attention_units=(4,),
    width=8,
    heads=2,
    blocks=1,
    interest_dropout=0,
    poster_dropout=0,
    identity_dropout=0,
)
TRAINING = Training(learning_rate=0.01, learning_rate_scaling="none", factor_l2=1e-2)
LINE = "epoch 1 \N{GREEK SMALL LETTER ALPHA}"


@dataclass(frozen=True)
class Steps:
    """What a rank saw of STEPS steps on given batches.

    losses: of each step, over all ranks; weights: the network's at the end; exchanges: operations
    of Horovod in the graph of a step.
    """

    losses: list[float]
    weights: list[np.ndarray]
    exchanges: list[str]


@dataclass(frozen=True)
class Result:
    """What a rank returns.

    rank: its number; was_shown: on rank 0, whether the driver had shown its line; steps: on one
    table; by_rows: with separate tables for users and movies, by whether they are factors.
    """

    rank: int
    was_shown: bool | None
    steps: Steps
    by_rows: dict[bool, Steps]


def train_by_rows(communicator) -> dict[bool, Steps]:
    """The same with users and movies as large vocabularies, as factors or by lazy Adam."""
    from mmdin.models import embedding

    large, embedding.LARGE = embedding.LARGE, 9
    try:
        sizes = {**SIZES, "user": 9, "movie": 9}
        return {
            factors: train_on_given_batches(
                communicator, PLAIN.model_copy(update={"factorization": factors}), sizes
            )
            for factors in (True, False)
        }
    finally:
        embedding.LARGE = large


def train_on_given_batches(communicator, networks=PLAIN, sizes=SIZES) -> Steps:
    """Train on this rank's share of each batch."""
    import keras
    import tensorflow as tf

    from mmdin.models import build_network
    from mmdin.training.rank.step import TrainingStep, penalty_weights

    keras.utils.set_random_seed(3)
    penalties = penalty_weights(TRAINING, STEPS * GLOBAL_BATCH)
    network = build_network("mmdin", networks, sizes, **penalties)
    step = TrainingStep(network, TRAINING, communicator)
    generator = np.random.default_rng(11)
    losses = []
    for _ in range(STEPS):
        taken = len(network.inputs_taken) + len(network.numbers_taken)
        batch = generator.integers(0, 8, (GLOBAL_BATCH, taken + 3), np.int32)
        batch[:, 1] += batch[:, 2]
        batch[:, 0] = batch[:, 1] >= 7
        batch[:, -1] = generator.random(GLOBAL_BATCH) < 0.9
        share = tf.constant(batch[communicator.rank :: communicator.size])
        loss, count = step(share)
        losses.append(float(loss) / float(count))
    graph = step.__call__.get_concrete_function(share).graph
    exchanges = [o.type for o in graph.get_operations() if o.type.startswith("Horovod")]
    return Steps(losses, [np.asarray(v) for v in network.variables], exchanges)


def print_and_wait(shown: Path) -> bool:
    """Print a line; whether the driver has shown it while this rank still runs."""
    print(LINE, flush=True)
    deadline = time.monotonic() + 120
    while not shown.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return shown.exists()


def take_part(assignments: list[Assignment], shown: Path) -> Result:
    """All that a rank of the launch does."""
    from mmdin.training.rank.loop import train_on_rank
    from mmdin.training.ranks import Communicator

    was_shown = print_and_wait(shown) if os.environ["HOROVOD_RANK"] == "0" else None
    train_on_rank(assignments)
    communicator = Communicator(TRAINING.horovod_cycle_ms)
    steps = train_on_given_batches(communicator)
    return Result(communicator.rank, was_shown, steps, train_by_rows(communicator))


class Recorder(logging.Handler):
    """Makes a file when the line is logged."""

    def __init__(self, shown: Path) -> None:
        super().__init__(logging.INFO)
        self._shown = shown

    def emit(self, record: logging.LogRecord) -> None:
        if LINE in record.getMessage():
            self._shown.touch()


@contextmanager
def recorded(shown: Path) -> Iterator[None]:
    """Let the file appear when the driver logs the line."""
    logger, recorder = logging.getLogger("mmdin"), Recorder(shown)
    level = logger.level
    logger.addHandler(recorder)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(recorder)
        logger.setLevel(level)


@dataclass(frozen=True)
class Launch:
    """A launch of two ranks: the results of take_part, and what they trained."""

    results: list[Result]
    assignments: list[Assignment]


@pytest.fixture(scope="module")
def launch(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Launch:
    folder = tmp_path_factory.mktemp("ranks")
    files, shown = write_samples(folder), folder / "shown"
    assignments = [make_assignment(folder, name, files) for name in ("first", "second")]
    with recorded(shown):
        results = run_on_ranks(spark, take_part, [assignments, shown], 2)
    return Launch(results, assignments)


def test_results_are_in_order_of_rank(launch: Launch) -> None:
    assert [result.rank for result in launch.results] == [0, 1]


def test_what_ranks_print_is_shown_before_they_end(launch: Launch) -> None:
    assert launch.results[0].was_shown


def test_two_ranks_train_as_one_does_on_the_same_global_batches(launch: Launch) -> None:
    first, second = (result.steps for result in launch.results)
    assert_alike(first, second, train_on_given_batches(OneRank()))


def test_two_ranks_train_large_tables_by_rows_as_one_does(launch: Launch) -> None:
    """Each rank looks up rows that the other does not, by plain steps and by lazy Adam."""
    alone = train_by_rows(OneRank())
    for factors in (True, False):
        first, second = (result.by_rows[factors] for result in launch.results)
        assert_alike(first, second, alone[factors])
        assert first.exchanges == second.exchanges
        assert sorted(first.exchanges) == ["HorovodGroupedAllgather", "HorovodGroupedAllreduce"]


def assert_alike(first: Steps, second: Steps, alone: Steps) -> None:
    """Both ranks end with equal weights, which are those of one process."""
    assert first.losses == second.losses
    np.testing.assert_allclose(first.losses, alone.losses, atol=1e-4)
    assert np.mean(first.losses[STEPS // 2 :]) < np.mean(first.losses[: STEPS // 2])
    for mine, others, one in zip(first.weights, second.weights, alone.weights, strict=True):
        np.testing.assert_array_equal(mine, others)
        np.testing.assert_allclose(mine, one, atol=1e-3)


def test_a_step_is_one_exchange(launch: Launch) -> None:
    assert [result.steps.exchanges for result in launch.results] == [
        ["HorovodGroupedAllreduce"]
    ] * 2


def test_the_same_seed_trains_the_same_and_the_best_epoch_is_kept(launch: Launch) -> None:
    outcome, again = (read_result(folder_of(a)) for a in launch.assignments)
    assert outcome and again
    for epoch, same in zip(outcome.epochs, again.epochs, strict=True):
        assert epoch.train_loss == same.train_loss
        assert epoch.validation_roc_auc == same.validation_roc_auc
    aucs = [e.validation_roc_auc for e in outcome.epochs]
    assert outcome.best_epoch == 1 + int(np.argmax(aucs))
    assert max(aucs) > 0.75
    checkpoint = Path(launch.assignments[0].checkpoint)
    assert (checkpoint / "best.weights.h5").exists()
    assert list((checkpoint / "tensorboard").iterdir())


def fail_on_second_rank() -> None:
    # Without TensorFlow, which takes seconds to load.
    if os.environ["HOROVOD_RANK"] == "1":
        raise ValueError("rank one is out of luck")


def test_a_node_whose_name_does_not_resolve_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    require_own_name()
    monkeypatch.setattr(socket, "gethostname", lambda: "no-such-node.invalid")
    with pytest.raises(ClusterError, match=r"no-such-node\.invalid, does not resolve on that node"):
        Communicator(1.0)


def test_a_failing_rank_is_reported_with_its_reason(spark: SparkSession) -> None:
    with pytest.raises(TrainingFailedError, match="ValueError: rank one is out of luck"):
        run_on_ranks(spark, fail_on_second_rank, [], 2)
