"""One step of training over all ranks, and scoring of one batch."""

# TensorFlow has no types, so tf.function is an untyped decorator.
# mypy: disable-error-code="untyped-decorator"

from dataclasses import replace
from typing import NamedTuple

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from mmdin.config import Training
from mmdin.dataset.batches import Batch, split_batch
from mmdin.dataset.sharding import count_rows
from mmdin.models import build_network
from mmdin.models.network import RatingNetwork
from mmdin.models.noise import Noise
from mmdin.training.assignment import Assignment
from mmdin.training.rank.adam import Adam
from mmdin.training.rank.averaging import AveragedNetwork
from mmdin.training.rank.factors import Factors
from mmdin.training.rank.large_tables import large_tables
from mmdin.training.rank.objective import Objective
from mmdin.training.rank.rows import sum_over_ranks
from mmdin.training.ranks import Communicator

_ROWS_WORTH_COMPILING = 300_000
"""By then a compiled step has saved the seconds of its compilation (docs/decisions/xla.md)."""

_ROWS_OF_FULL_DENSE_L2 = 150_000
"""Most training rows for which dense_l2 is taken whole (docs/decisions/dense-penalty.md)."""


class TrainingStep:
    """One update of a network's weights from one global batch, over all ranks.

    The step minimises a mean over the rows of all ranks, plus the penalties of weights that Keras
    collects as the network's `losses`. Of each row the mean takes the objective (see Objective) and
    the network's `row_penalties`. Ranks exchange sums and not means, so the result does not depend
    on which rank reads which row.

    Adam updates all variables except the table's rows of the network's factors, which take plain
    gradient steps (see Factors). Of the tables of large vocabularies only the rows that some rank
    looks up are summed, exchanged and updated (see LargeTable).

    XLA may compile the forward and backward pass and the update. The tables' lookup, the sum of the
    gradients of equal rows, and the update of large tables stay outside.

    Args:
        network: network to train.
        training: settings of the objective and the optimizer.
        communicator: sums over ranks.
        xla: whether XLA compiles.
    """

    def __init__(
        self,
        network: RatingNetwork,
        training: Training,
        communicator: Communicator,
        xla: bool = False,
    ) -> None:
        self.network, self._communicator = network, communicator
        self.objective = Objective(training)
        self.factors = Factors(network, training.factor_learning_rate)
        self._table = network.table.table
        of_tables = {id(v) for v in network.table.trainable_variables}
        self._others = [v for v in network.trainable_variables if id(v) not in of_tables]
        rate = scale_learning_rate(training, communicator.size)
        self.optimizer = Adam([self._table, *self._others], rate)
        self._large = large_tables(network, training.factor_learning_rate, self.optimizer)
        # Without AutoGraph, which would translate all code of the network for control flow that
        # depends on tensors. There is none, and it takes seconds.
        self._differentiate = tf.function(self._gradients, autograph=False, jit_compile=xla)
        self._update = tf.function(self._apply, autograph=False, jit_compile=xla)

    @property
    def variables(self) -> list[tf.Variable]:
        """Everything that training changes, so that it can be resumed exactly.

        That is the weights, the state of the optimizer and of the objective, and the states of
        random number generators.
        """
        of_network = [v.value for v in self.network.variables]
        return [*of_network, *self._state]

    @property
    def _state(self) -> list[tf.Variable]:
        """What training changes and the network does not have; zero at first."""
        of_large = [v for table in self._large for v in table.state]
        return [*self.optimizer.state, *of_large, self.objective.offsets]

    def restart(self, network: RatingNetwork) -> None:
        """Begin again with the first weights of another network, which differs by them alone.

        What is traced and compiled is kept.
        """
        for variable, first in zip(self.network.variables, network.variables, strict=True):
            variable.assign(first)
        for variable in self._state:
            variable.assign(tf.zeros_like(variable))

    @tf.function(autograph=False)
    def __call__(self, batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Train on a batch of this rank. Every rank must call this the same number of times.

        Args:
            batch: int32 [batch_size, targets + inputs + numbers + 1], as Batches makes them.

        Returns:
            The label's summed log loss and the number of rows, over all ranks: float32 scalars.
        """
        parts = split_batch(batch, len(self.network.numbers_taken))
        rank = self._communicator.rank
        indices = self.network.drop_identities(parts.indices, rank)
        noise = self.network.draw_noise(batch.shape[0], rank)
        numbers = self.network.table.row_numbers(self.network.looked_up(indices))
        rows = self.network.table.look_up(numbers)
        parts = parts._replace(indices=indices)
        loss, row_gradients, *others = self._differentiate(parts, rows, noise)
        (of_table, *of_large), (numbers_of_table, *numbers_of_large) = row_gradients, numbers
        per_row = tf.math.unsorted_segment_sum(of_table, numbers_of_table, self._table.shape[0])
        lookups = self.factors.lookups(parts.weights, numbers_of_table)
        by_row = [
            table.sum_by_row(of_numbers, gradients, parts.weights)
            for table, of_numbers, gradients in zip(
                self._large, numbers_of_large, of_large, strict=True
            )
        ]
        loss, count, *gradients = self._communicator.allreduce_sum(
            [loss, tf.reduce_sum(parts.weights), per_row, lookups, *others]
        )
        by_row = sum_over_ranks(by_row, self._communicator)
        self._update(count, *gradients)
        for table, summed in zip(self._large, by_row, strict=True):
            table.apply(summed, count)
        return loss, count

    def _gradients(
        self, batch: Batch, rows: list[tf.Tensor], noise: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        """Compute this rank's loss and gradients.

        Args:
            batch: rows.
            rows: float32 [batch, inputs, d or d + 1], each table's rows for its inputs.
            noise: as draw_noise gives it.

        Returns:
            The label's summed log loss, and the gradients of the rows, of the objective's offsets
            and of the variables other than the tables.
        """
        others = [v.value for v in self._others]
        with tf.GradientTape() as tape:
            tape.watch(rows)
            looked_up = self.network.table.in_order(rows)
            fields = self.network.fields(batch.indices, looked_up, batch.numbers)
            logits = self.network.logits(fields, Noise(noise))
            of_label, of_row = self.objective.losses(batch, logits)
            of_row += self.network.row_penalties(fields)
            of_weights = tf.reduce_sum(batch.weights) * sum(self.network.losses)
            objective = tf.reduce_sum(batch.weights * of_row) + of_weights
        loss = tf.reduce_sum(batch.weights * of_label)
        return loss, *tape.gradient(objective, [rows, self.objective.offsets, *others])

    def _apply(
        self,
        count: tf.Tensor,
        table: tf.Tensor,
        lookups: tf.Tensor,
        offsets: tf.Tensor,
        *others: tf.Tensor,
    ) -> None:
        self._table.assign_sub(self.factors.step(table, lookups))
        self.objective.step(offsets / count)
        means = [(1 - self.factors.rows) * table / count, *(g / count for g in others)]
        self.optimizer.apply(means)


class Steps:
    """Makes the steps of a rank's networks.

    Networks in turn that differ by their seed alone share what is traced and compiled.

    Args:
        communicator: of the steps.

    Attributes:
        communicator: as given.
    """

    def __init__(self, communicator: Communicator) -> None:
        self.communicator = communicator
        self._last: tuple[Assignment, Learner] | None = None

    def make(self, assignment: Assignment) -> "Learner":
        """Return what trains and scores an assigned network, which has its first weights."""
        of_any_seed = replace(assignment, label="", seed=0, checkpoint="")
        if self._last and self._last[0] == of_any_seed:
            learner = self._last[1]
            learner.step.restart(make_network(assignment))
            learner.averaged.restart()
        else:
            step = make_step(assignment, self.communicator)
            averaged = AveragedNetwork(step.network, assignment.config.training.averaging)
            self._last = of_any_seed, Learner(step, averaged, Scorer(averaged.network))
        return self._last[1]


class Learner(NamedTuple):
    """What trains and scores a network.

    Attributes:
        step: changes the network's weights.
        averaged: has the means of these weights.
        scorer: scores with these means.
    """

    step: TrainingStep
    averaged: AveragedNetwork
    scorer: "Scorer"


def make_step(assignment: Assignment, communicator: Communicator) -> TrainingStep:
    """Make the step of an assigned network, which has its first weights."""
    training = assignment.config.training
    xla = is_compiled(training, count_rows(assignment.train_files))
    return TrainingStep(make_network(assignment), training, communicator, xla)


def make_network(assignment: Assignment) -> RatingNetwork:
    """Build an assigned network with its first weights, the same on every rank.

    Clears Keras' global state of the previous network and seeds all random numbers.
    """
    config = assignment.config
    keras.backend.clear_session()
    keras.utils.set_random_seed(assignment.seed)
    keras.config.set_dtype_policy(config.training.precision)
    penalties = penalty_weights(config.training, count_rows(assignment.train_files))
    return build_network(
        assignment.model, config.networks, assignment.vocabulary_sizes, **penalties
    )


def is_compiled(training: Training, training_rows: int) -> bool:
    """Return whether XLA compiles a network's step: training.xla, or what auto means.

    Args:
        training: the training section of the configuration.
        training_rows: rows of an epoch, over all ranks.
    """
    if training.xla != "auto":
        return training.xla
    fewest_epochs = min(training.epochs, 1 + training.patience)
    on_cpu = not tf.config.get_visible_devices("GPU")
    return on_cpu and fewest_epochs * training_rows >= _ROWS_WORTH_COMPILING


def penalty_weights(training: Training, training_rows: int) -> dict[str, float]:
    """Return the weights of penalties in the mean that a step minimises, as networks take them.

    Args:
        training: the training section of the configuration.
        training_rows: rows of an epoch, over all ranks; some penalties are for all together.
    """
    return {
        "dense_l2": training.dense_l2 * min(1.0, _ROWS_OF_FULL_DENSE_L2 / training_rows),
        "factor_l2": training.factor_l2,
        "poster_l2": training.poster_l2 / training_rows,
        "attention_l2": training.attention_l2 / training_rows,
    }


class Scorer:
    """Scores batches with a network, without dropout.

    Args:
        network: network to score with.
    """

    def __init__(self, network: RatingNetwork) -> None:
        self._numbers = len(network.numbers_taken)
        self._logits = tf.function(lambda *columns: network(*columns), autograph=False)

    def __call__(self, batch: tf.Tensor) -> npt.NDArray[np.float32]:
        """Return labels and logits of the rows that are not padding: float32 [rows, 2]."""
        parts = split_batch(batch, self._numbers)
        logits = self._logits(parts.indices, parts.numbers)
        scored = tf.stack([parts.labels, logits], axis=1)
        return np.asarray(scored)[np.asarray(parts.weights) > 0]


def scale_learning_rate(training: Training, ranks: int) -> float:
    """Return the learning rate for a global batch of `ranks` batches.

    linear: Goyal et al. 2017 (arXiv 1706.02677); sqrt: Krizhevsky 2014 (arXiv 1404.5997).
    """
    factors: dict[str, float] = {"none": 1.0, "sqrt": ranks**0.5, "linear": float(ranks)}
    return training.learning_rate * factors[training.learning_rate_scaling]
