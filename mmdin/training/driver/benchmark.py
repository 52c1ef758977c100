"""How much faster more ranks are: rows per second of one rank and of all, measured in turn."""

import itertools
import logging
from collections.abc import Sequence

from pyspark.sql import SparkSession

from mmdin.training.assignment import Assignment
from mmdin.training.driver.slots import wait_for_slots
from mmdin.training.driver.train import assign, plan_runs
from mmdin.training.ranks import run_on_ranks
from mmdin.variants import Plan

log = logging.getLogger(__name__)

REPEATS = 2
"""How often each number of ranks is measured."""


def log_scaling(spark: SparkSession, plan: Plan) -> None:
    """Log each network's rows per second on the newest samples with one rank and training.ranks.

    Raises:
        MmdinError: as train_networks and compare_ranks do.
    """
    assignments = assign(spark, plan_runs(spark, plan))
    training = plan.config.training
    measured = compare_ranks(spark, assignments, (1, training.ranks), training.start_timeout)
    for label, speeds in measured.items():
        one, *more = sorted(speeds)
        for ranks in more:
            log.info(
                "benchmark: %s: %s rows/s with 1 rank, %s with %d: %.2f times as fast",
                label,
                f"{speeds[one]:,.0f}",
                f"{speeds[ranks]:,.0f}",
                ranks,
                speeds[ranks] / speeds[one],
            )


def compare_ranks(
    spark: SparkSession,
    assignments: Sequence[Assignment],
    numbers: Sequence[int],
    start_timeout: int,
) -> dict[str, dict[int, float]]:
    """Measure the training speed of each network with several numbers of ranks.

    The numbers of ranks take turns, so that other load on the machines affects all of them. The
    fastest stretch of steps counts; if a stretch fits between two readings of training.shuffle_rows
    rows, it holds no reading. Every rank has the same batch size. Nothing is written.

    Args:
        spark: session whose executors run the ranks.
        assignments: networks to measure.
        numbers: numbers of ranks to compare.
        start_timeout: seconds to wait for slots, and for ranks to start.

    Returns:
        Rows per second by network's label and number of ranks.

    Raises:
        ClusterError: Spark has too few slots.
        TrainingFailedError: a rank failed or was lost.
    """
    fastest: dict[str, dict[int, float]] = {a.label: {} for a in assignments}
    for repeat, ranks in itertools.product(range(REPEATS), numbers):
        wait_for_slots(spark, ranks, start_timeout)
        speeds = run_on_ranks(spark, _measure_on_rank, [assignments], ranks, start_timeout)[0]
        for assignment, speed in zip(assignments, speeds, strict=True):
            by_ranks = fastest[assignment.label]
            by_ranks[ranks] = max(speed, by_ranks.get(ranks, 0))
        shown = ", ".join(f"{speed:,.0f}" for speed in speeds)
        log.info("benchmark: ranks %d, time %d of %d: %s rows/s", ranks, repeat + 1, REPEATS, shown)
    return fastest


def _measure_on_rank(assignments: Sequence[Assignment]) -> list[float]:
    # Runs on a rank: neither the driver nor the Spark task that starts the rank loads TensorFlow.
    from mmdin.training.rank.benchmark import measure_on_rank

    return measure_on_rank(assignments)
