"""What more ranks are worth: rows per second of one rank and of all, side by side."""

import itertools
import logging
from collections.abc import Sequence

from pyspark.sql import SparkSession

from mmdin.config import Config
from mmdin.training.assignment import Assignment
from mmdin.training.ranks import run_on_ranks
from mmdin.training.slots import wait_for_slots
from mmdin.training.train import assign, plan_runs
from mmdin.variants import plan_variants

log = logging.getLogger(__name__)

REPEATS = 2
"""Times that each number of ranks is measured."""


def measure_scaling(spark: SparkSession, config: Config) -> dict[str, dict[int, float]]:
    """Rows per second of each network's training, reading included, by number of ranks.

    One rank and all of training.ranks take turns, so that whatever else the machines do meets both;
    of each, the fastest counts. A rank's batch is the same in both. Nothing is written. Raises as
    train_networks does.
    """
    assignments = assign(spark, plan_runs(spark, plan_variants(config)))
    found: dict[str, dict[int, float]] = {a.label: {} for a in assignments}
    timeout = config.training.start_timeout
    for repeat, ranks in itertools.product(range(REPEATS), (1, config.training.ranks)):
        wait_for_slots(spark, ranks, timeout)
        speeds = run_on_ranks(spark, _measure_on_rank, [assignments], ranks, timeout)[0]
        for assignment, speed in zip(assignments, speeds, strict=True):
            fastest = found[assignment.label]
            fastest[ranks] = max(speed, fastest.get(ranks, 0))
        log.info("benchmark: measured %d ranks, time %d of %d", ranks, repeat + 1, REPEATS)
    return found


def _measure_on_rank(assignments: Sequence[Assignment]) -> list[float]:
    # As in train.py: neither the driver nor the task that starts the rank loads TensorFlow.
    from mmdin.training.speed import measure_on_rank

    return measure_on_rank(assignments)
