"""One step of training on one rank of one core: networks, batches, XLA and large vocabularies.

A step is timed on a batch in memory, without reading, in CPU seconds. Settings take turns, so that
other load on the machine affects all of them; of each, the fastest stretch counts.
"""

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from benchmarks.samples import KEYS, assign
from mmdin.config import MODEL_NAMES, ModelName, Networks, Training
from mmdin.dataset.batches import TARGETS
from mmdin.tables import DataFile
from mmdin.training.rank.step import TrainingStep, make_step
from mmdin.training.ranks import Communicator

STRETCHES, STEPS = 4, 5


FOUR_HEADS = Networks(heads=4)
"""Default sizes, but for the paper's heads."""

PUBLISHED = Networks(
    embedding_size=16,
    attention_units=(80, 40),
    heads=4,
    factorization=False,
    biases=False,
    identity_dropout=0,
)
"""Sizes of DIN as its authors' code and other libraries have it, without what they do not train."""


@dataclass(frozen=True)
class Setting:
    """A step that is timed."""

    model: ModelName
    xla: bool = True
    share: float = 1.0
    users: int = KEYS["user"]
    networks: Networks = FOUR_HEADS
    ordinal_stars: tuple[float, ...] = (2.5, 4.5)


def _of_interest(model: ModelName) -> dict[str, Setting]:
    return {
        f"{model} without XLA": Setting(model, xla=False),
        f"{model}, a ninth of the rows": Setting(model, share=1 / 9),
        f"{model} as published": Setting(model, networks=PUBLISHED, ordinal_stars=()),
    }


def _of_users(model: ModelName) -> dict[str, Setting]:
    """The fewer in one table, updated as a whole; the more in their own, by rows."""
    return {
        f"{model} with {words} users": Setting(model, users=users)
        for words, users in (("forty thousand", 40_000), ("a million", 1_000_000))
    }


SETTINGS: dict[str, Setting] = {
    **{str(model): Setting(model) for model in MODEL_NAMES},
    **_of_interest("din"),
    **_of_interest("mmdin"),
    **_of_users("embedding_mlp"),
    **_of_users("din"),
    **_of_users("mmdin"),
    "din with ten million users": Setting("din", users=10_000_000),
}


def run(folder: Path, small: bool) -> dict[str, object]:
    """CPU milliseconds of each step, by those of DIN's, and microseconds of a row."""
    rows = 900 if small else 4500
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
        "microseconds of a row": {
            name: round(1e6 * seconds / _rows(SETTINGS[name], rows), 1)
            for name, seconds in fastest.items()
        },
        "megabytes trained": {
            name: round(sum(v.dtype.size * v.shape.num_elements() for v in step.variables) / 1e6)
            for name, (step, _) in steps.items()
        },
    }


def _rows(setting: Setting, rows: int) -> int:
    return round(rows * setting.share)


def _make_step(
    folder: Path, setting: Setting, rows: int, communicator: Communicator
) -> tuple[TrainingStep, tf.Tensor]:
    """A traced step and a batch for it."""
    rows = _rows(setting, rows)
    training = Training(
        models=(setting.model,),
        batch_size=rows,
        xla=setting.xla,
        ordinal_stars=setting.ordinal_stars,
    )
    files = [DataFile("file:///none", rows)] * 3
    assignment = assign(folder, files, setting.model, setting.model, training)
    sizes = {**KEYS, "user": setting.users}
    config = assignment.config.model_copy(update={"networks": setting.networks})
    assignment = replace(assignment, config=config, vocabulary_sizes=sizes)
    step = make_step(assignment, communicator)
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
    """CPU seconds of a step, the mean of some."""
    started = time.process_time()
    for _ in range(STEPS):
        loss, _ = step(batch)
    float(loss)
    return (time.process_time() - started) / STEPS
