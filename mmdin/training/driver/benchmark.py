"""What more ranks are worth: rows per second of one rank and of all, side by side."""

import itertools
import logging
from collections.abc import Sequence

from pyspark.sql import SparkSession

from mmdin.config import Config
from mmdin.training.assignment import Assignment
from mmdin.training.driver.slots import wait_for_slots
from mmdin.training.driver.train import assign, plan_runs
from mmdin.training.ranks import run_on_ranks
from mmdin.variants import plan_variants

log = logging.getLogger(__name__)

REPEATS = 2
"""Times that each number of ranks is measured."""


def measure_scaling(spark: SparkSession, config: Config) -> dict[str, dict[int, float]]:
    """compare_ranks of each network on the newest samples, with one rank and training.ranks.

    Raises as train_networks does.
    """
    assignments = assign(spark, plan_runs(spark, plan_variants(config)))
    training = config.training
    return compare_ranks(spark, assignments, (1, training.ranks), training.start_timeout)


def compare_ranks(
    spark: SparkSession,
    assignments: Sequence[Assignment],
    numbers: Sequence[int],
    start_timeout: int,
) -> dict[str, dict[int, float]]:
    """Rows per second of each network's training, by number of ranks.

    Numbers of ranks take turns, so that whatever else the machines do meets all of them; of each,
    the fastest stretch counts: where there is one between two readings of training.shuffle_rows
    rows, reading is not in it. A rank's batch is the same in all. Nothing is written. Raises as
    run_on_ranks and wait_for_slots do.
    """
    found: dict[str, dict[int, float]] = {a.label: {} for a in assignments}
    for repeat, ranks in itertools.product(range(REPEATS), numbers):
        wait_for_slots(spark, ranks, start_timeout)
        speeds = run_on_ranks(spark, _measure_on_rank, [assignments], ranks, start_timeout)[0]
        for assignment, speed in zip(assignments, speeds, strict=True):
            fastest = found[assignment.label]
            fastest[ranks] = max(speed, fastest.get(ranks, 0))
        shown = ", ".join(f"{speed:,.0f}" for speed in speeds)
        log.info("benchmark: ranks %d, time %d of %d: %s rows/s", ranks, repeat + 1, REPEATS, shown)
    return found


def _measure_on_rank(assignments: Sequence[Assignment]) -> list[float]:
    # As in train.py: neither the driver nor the task that starts the rank loads TensorFlow.
    from mmdin.training.rank.benchmark import measure_on_rank

    return measure_on_rank(assignments)
