"""Real Horovod on Spark tasks: two ranks against one, and what happens when a rank fails."""

import logging
import sys
from pathlib import Path

import cloudpickle
import numpy as np
import pytest
from pyspark.sql import SparkSession
from samples_files import SIZES, folder_of, make_assignment, write_samples

from mmdin.config import Networks, Training
from mmdin.training.assignment import Assignment, read_outcome
from mmdin.training.ranks import TrainingFailedError, run_on_ranks

# The ranks' processes cannot import tests: they are sent the functions themselves.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

GLOBAL_BATCH, STEPS = 24, 12
# Without anything random, so that only the ranks differ.
PLAIN = Networks(
    embedding_size=4,
    hidden_units=(8,),
    attention_units=(4,),
    width=8,
    blocks=1,
    interest_dropout=0,
    poster_dropout=0,
    identity_dropout=0,
)


def train_on_given_batches(training: Training) -> tuple[list[float], list[np.ndarray]]:
    """Losses of each step and weights at the end; this rank takes its share of each batch."""
    import keras
    import tensorflow as tf

    from mmdin.models import build_network
    from mmdin.training.rank.step import TrainingStep
    from mmdin.training.ranks import Ranks

    keras.utils.set_random_seed(3)
    ranks = Ranks(training.exchange_cycle)
    network = build_network("mmdin", PLAIN, SIZES)
    step = TrainingStep(network, training, ranks, STEPS * GLOBAL_BATCH)
    generator = np.random.default_rng(11)
    losses = []
    for _ in range(STEPS):
        batch = generator.integers(0, 8, (GLOBAL_BATCH, len(network.inputs_taken) + 3), np.int32)
        batch[:, 1] += batch[:, 2]
        batch[:, 0] = batch[:, 1] >= 7
        batch[:, -1] = generator.random(GLOBAL_BATCH) < 0.9
        loss, count = step(tf.constant(batch[ranks.rank :: ranks.size]))
        losses.append(float(loss) / float(count))
    return losses, [np.asarray(v) for v in network.variables]


def test_two_ranks_train_as_one_does_on_the_same_global_batches(spark: SparkSession) -> None:
    training = Training(learning_rate=0.01, learning_rate_scaling="none", factor_l2=1e-2)
    ((one_losses, one_weights),) = run_on_ranks(spark, train_on_given_batches, [training], 1)
    (losses, weights), (_, other_weights) = run_on_ranks(
        spark, train_on_given_batches, [training], 2
    )
    np.testing.assert_allclose(losses, one_losses, atol=1e-4)
    assert losses[-1] < losses[0]
    for mine, others, alone in zip(weights, other_weights, one_weights, strict=True):
        np.testing.assert_array_equal(mine, others)
        np.testing.assert_allclose(mine, alone, atol=1e-3)


def train(assignments: list[Assignment]) -> None:
    from mmdin.training.rank.loop import train_on_rank

    train_on_rank(assignments)


def test_the_same_seed_trains_the_same_and_the_best_epoch_is_kept(
    spark: SparkSession, tmp_path: Path
) -> None:
    files = write_samples(tmp_path)
    first, second = (make_assignment(tmp_path, name, files) for name in ("first", "second"))
    run_on_ranks(spark, train, [[first, second]], 2)
    outcome, again = (
        read_outcome(folder_of(first)),
        read_outcome(folder_of(second)),
    )
    assert outcome and again
    for epoch, same in zip(outcome.epochs, again.epochs, strict=True):
        assert epoch.train_loss == same.train_loss
        assert epoch.validation_roc_auc == same.validation_roc_auc
    aucs = [e.validation_roc_auc for e in outcome.epochs]
    assert outcome.best_epoch == 1 + int(np.argmax(aucs))
    assert max(aucs) > 0.75
    assert (Path(first.checkpoint) / "best.weights.h5").exists()
    assert list((Path(first.checkpoint) / "tensorboard").iterdir())


def print_and_wait(seconds: float) -> float:
    import time

    import horovod.tensorflow as hvd

    hvd.init()
    printed_at = time.time()
    if hvd.rank() == 0:
        print("epoch 1 \N{GREEK SMALL LETTER ALPHA}", flush=True)
    time.sleep(seconds)
    return printed_at


def test_what_ranks_print_is_shown_before_they_end(spark: SparkSession) -> None:
    shown = []

    class Recorder(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            shown.append(record)

    logger, recorder = logging.getLogger("mmdin.training.ranks"), Recorder()
    logger.addHandler(recorder)
    logger.setLevel(logging.INFO)
    try:
        printed_at, _ = run_on_ranks(spark, print_and_wait, [8.0], 2)
    finally:
        logger.removeHandler(recorder)
        logger.setLevel(logging.NOTSET)
    epoch = next(r for r in shown if "epoch 1 \N{GREEK SMALL LETTER ALPHA}" in r.getMessage())
    assert epoch.created - printed_at < 6


def fail_on_second_rank() -> None:
    import horovod.tensorflow as hvd

    hvd.init()
    if hvd.rank() == 1:
        raise ValueError("rank one is out of luck")


def test_a_failing_rank_is_reported_with_its_reason(spark: SparkSession) -> None:
    with pytest.raises(TrainingFailedError, match="ValueError: rank one is out of luck"):
        run_on_ranks(spark, fail_on_second_rank, [], 2)
