"""How fast a rank trains, in step with the others."""

import itertools
import time
from collections.abc import Iterator, Sequence

import keras
import tensorflow as tf

from mmdin.dataset.sharding import count_rows
from mmdin.models import build_network
from mmdin.storage import reaching
from mmdin.training.assignment import Assignment
from mmdin.training.devices import take_device
from mmdin.training.rank_data import RankData
from mmdin.training.ranks import Ranks
from mmdin.training.step import TrainingStep

_WARM_UP, _STEPS = 5, 40
"""Steps before the clock starts, and steps that are timed."""


def measure_on_rank(assignments: Sequence[Assignment]) -> list[float]:
    """Rows per second, of all ranks together, of each assigned network's training."""
    ranks, first = Ranks(), assignments[0]
    take_device(ranks, first.threads)
    speeds = []
    with reaching(first.checkpoint, first.hadoop) as files:
        for assignment in assignments:
            keras.backend.clear_session()
            keras.utils.set_random_seed(assignment.seed)
            config, sizes = assignment.config, assignment.vocabulary_sizes
            network = build_network(assignment.model, config.networks, sizes)
            rows = count_rows(assignment.train_files)
            step = TrainingStep(network, config.training, ranks, rows)
            speeds.append(_time_steps(step, RankData(assignment, ranks, network, files)))
    return speeds


def _time_steps(step: TrainingStep, data: RankData) -> float:
    batches = _endless(data)
    for batch in itertools.islice(batches, _WARM_UP):
        step(batch)
    started, rows = time.monotonic(), 0.0
    for batch in itertools.islice(batches, _STEPS):
        _, counted = step(batch)
        rows += float(counted)
    return rows / (time.monotonic() - started)


def _endless(data: RankData) -> Iterator[tf.Tensor]:
    """Batches of one epoch after the other."""
    for epoch in itertools.count(1):
        with data.training(epoch) as batches:
            yield from batches
