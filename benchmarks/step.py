"""One step of training on one rank of one core: networks, XLA and large vocabularies side by side.

A step is timed on a batch in memory, without reading. Settings take turns, so that other
load on the machine affects all of them; of each, the fastest stretch counts.
"""

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from benchmarks.samples import KEYS, assign
from mmdin.config import MODEL_NAMES, ModelName, Training
from mmdin.dataset.batches import TARGETS
from mmdin.tables import DataFile
from mmdin.training.rank.step import TrainingStep, make_step
from mmdin.training.ranks import Communicator

STRETCHES, STEPS = 4, 5


@dataclass(frozen=True)
class Setting:
    """A step that is timed."""

    model: ModelName
    xla: bool = False
    users: int = KEYS["user"]


SETTINGS: dict[str, Setting] = {
    **{str(model): Setting(model) for model in MODEL_NAMES},
    "mmdin with XLA": Setting("mmdin", xla=True),
    "mmdin with a million users": Setting("mmdin", users=1_000_000),
}


def run(folder: Path, small: bool) -> dict[str, object]:
    """Milliseconds of each step, and by those of DIN's."""
    rows = 500 if small else 4500
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    # Without a launcher, this is Horovod's only rank.
    communicator = Communicator(cycle_ms=1.0)
    steps = {name: _make_step(folder, s, rows, communicator) for name, s in SETTINGS.items()}
    fastest = dict.fromkeys(SETTINGS, float("inf"))
    for _ in range(STRETCHES):
        for name, (step, batch) in steps.items():
            fastest[name] = min(fastest[name], _time(step, batch))
    return {
        "batch_size": rows,
        "milliseconds": {name: round(1000 * seconds, 1) for name, seconds in fastest.items()},
        "by din": {name: round(s / fastest["din"], 2) for name, s in fastest.items()},
    }


def _make_step(
    folder: Path, setting: Setting, rows: int, communicator: Communicator
) -> tuple[TrainingStep, tf.Tensor]:
    """A compiled step and a batch for it."""
    training = Training(models=(setting.model,), batch_size=rows, xla=setting.xla)
    files = [DataFile("file:///none", rows)] * 3
    assignment = assign(folder, files, setting.model, setting.model, training)
    sizes = {**KEYS, "user": setting.users}
    step = make_step(replace(assignment, vocabulary_sizes=sizes), communicator)
    generator = np.random.default_rng(7)
    inputs = step.network.inputs_taken
    width = len(TARGETS) + len(inputs) + len(step.network.numbers_taken) + 1
    batch = np.ones((rows, width), np.int32)
    batch[:, 1] = generator.integers(1, 11, rows)
    batch[:, 0] = batch[:, 1] >= 7
    for column, taken in enumerate(inputs, start=len(TARGETS)):
        batch[:, column] = generator.integers(0, sizes[taken.vocabulary], rows)
    step(tf.constant(batch))
    return step, tf.constant(batch)


def _time(step: TrainingStep, batch: tf.Tensor) -> float:
    """Seconds of a step, the mean of some."""
    started = time.monotonic()
    for _ in range(STEPS):
        loss, _ = step(batch)
    float(loss)
    return (time.monotonic() - started) / STEPS
