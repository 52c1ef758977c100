"""How fast a rank trains, in step with the others."""

import itertools
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import tensorflow as tf

from mmdin.storage import Files, connect
from mmdin.training.assignment import Assignment
from mmdin.training.rank.data import RankData
from mmdin.training.rank.devices import take_device
from mmdin.training.rank.step import TrainingStep, make_step
from mmdin.training.ranks import Ranks

_WARM_UP, _STRETCHES, _STEPS = 5, 4, 10
"""Steps before the clock starts; stretches that are timed, the fastest counts; steps of each."""


def measure_on_rank(assignments: Sequence[Assignment]) -> list[float]:
    """Rows per second, of all ranks together, of each assigned network's training."""
    first = assignments[0]
    ranks = Ranks(first.config.training.exchange_cycle)
    keep_to_own_cores(ranks.local_rank, first.threads)
    take_device(ranks, first.threads)
    with connect(first.checkpoint, first.hadoop) as files:
        return [_measure(assignment, ranks, files) for assignment in assignments]


def keep_to_own_cores(local_rank: int, cores: int) -> None:
    """Hold this process, its threads and those to come, to as many cores as its task has.

    Else one rank alone reads, and exchanges with nobody, on the cores that others would compute on.
    With fewer cores than all ranks of a host take, ranks are left to the system.
    """
    own = sorted(os.sched_getaffinity(0))[local_rank * cores :][:cores]
    if len(own) == cores:
        for thread in Path("/proc/self/task").iterdir():
            os.sched_setaffinity(int(thread.name), own)


def _measure(assignment: Assignment, ranks: Ranks, files: Files) -> float:
    step = make_step(assignment, ranks)
    batches = _endless(RankData(assignment, ranks, step.network, files))
    for batch in itertools.islice(batches, _WARM_UP):
        step(batch)
    return max(_time(step, itertools.islice(batches, _STEPS)) for _ in range(_STRETCHES))


def _time(step: TrainingStep, batches: Iterable[tf.Tensor]) -> float:
    """Rows per second: the mean of the batches."""
    started, rows = time.monotonic(), 0.0
    for batch in batches:
        _, counted = step(batch)
        rows += float(counted)
    return rows / (time.monotonic() - started)


def _endless(data: RankData) -> Iterator[tf.Tensor]:
    """Batches of one epoch after the other."""
    for epoch in itertools.count(1):
        with data.training(epoch) as batches:
            yield from batches
