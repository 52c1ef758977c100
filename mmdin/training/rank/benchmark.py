"""How fast one rank trains together with the others."""

import itertools
import time
from collections.abc import Iterable, Iterator, Sequence

import tensorflow as tf

from mmdin.storage import Files, connect
from mmdin.training.assignment import Assignment
from mmdin.training.rank.data import RankData
from mmdin.training.rank.devices import configure_device, pin_to_cores
from mmdin.training.rank.step import TrainingStep, make_step
from mmdin.training.ranks import Communicator

_WARM_UP_STEPS = 5
_STRETCHES = 4
_STEPS_PER_STRETCH = 10


def measure_on_rank(assignments: Sequence[Assignment]) -> list[float]:
    """Measure the training speed of each assigned network.

    Returns:
        Rows per second of all ranks together in the fastest stretch of steps, per network.
    """
    first = assignments[0]
    communicator = Communicator(first.config.training.horovod_cycle_ms)
    pin_to_cores(communicator.local_rank, first.threads)
    configure_device(communicator, first.threads)
    with connect(first.checkpoint, first.hadoop) as files:
        return [_measure(assignment, communicator, files) for assignment in assignments]


def _measure(assignment: Assignment, communicator: Communicator, files: Files) -> float:
    step = make_step(assignment, communicator)
    batches = _repeat_epochs(RankData(assignment, communicator, step.network, files))
    for batch in itertools.islice(batches, _WARM_UP_STEPS):
        step(batch)
    return max(
        _time(step, itertools.islice(batches, _STEPS_PER_STRETCH)) for _ in range(_STRETCHES)
    )


def _time(step: TrainingStep, batches: Iterable[tf.Tensor]) -> float:
    """Return rows per second over the batches."""
    started, rows = time.monotonic(), 0.0
    for batch in batches:
        _, counted = step(batch)
        rows += float(counted)
    return rows / (time.monotonic() - started)


def _repeat_epochs(data: RankData) -> Iterator[tf.Tensor]:
    """Yield the batches of one epoch after the other, without end."""
    for epoch in itertools.count(1):
        with data.training(epoch) as batches:
            yield from batches
