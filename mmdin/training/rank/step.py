"""One step of training over all ranks, and scoring of one batch."""

import keras
import numpy as np
import tensorflow as tf

from mmdin.config import Training
from mmdin.dataset.batches import Batch, split_batch
from mmdin.dataset.sharding import count_rows
from mmdin.models import build_network
from mmdin.models.network import RatingNetwork
from mmdin.training.assignment import Assignment
from mmdin.training.rank.factors import Factors
from mmdin.training.rank.objective import Objective
from mmdin.training.ranks import Ranks


class TrainingStep:
    """Changes a network's weights by one global batch.

    What is made small is the mean over the rows of all ranks of the objective, of factor_l2 / 2
    times the squared embeddings that the row looked up as factors, and of poster_l2 / 2 by the
    number of training rows times what posters add to its candidate's, squared; plus dense_l2 times
    the squared weights of dense layers. Sums are exchanged, not means, so that the result does not
    depend on how rows fall to ranks.

    Adam trains everything but the table's rows of the network's factors, which take plain gradient
    steps (see Factors). The table's rows are looked up before, and their gradients summed into the
    table's after, the part that XLA may compile.

    Args:
        training_rows: rows of an epoch, over all ranks.
    """

    def __init__(
        self, network: RatingNetwork, training: Training, ranks: Ranks, training_rows: int
    ) -> None:
        self.network, self.ranks = network, ranks
        self.objective = Objective(training)
        self.factors = Factors(network, training, training_rows)
        self.optimizer = keras.optimizers.Adam(scale_learning_rate(training, ranks.size))
        self._dense_l2 = training.dense_l2
        self._table = network.table.table
        self._others = [v for v in network.trainable_variables if v is not self._table]
        self._variables = [self._table, *self._others]
        self.optimizer.build(self._variables)
        self._differentiate = tf.function(self._gradients, jit_compile=training.xla)
        self._update = tf.function(self._apply, jit_compile=training.xla)

    @property
    def variables(self) -> list[tf.Variable]:
        """All that training changes: weights, the optimizer's and the objective's state, and the
        states of random numbers. With their values, training goes on as if it had not stopped."""
        own = [*self.network.variables, *self.optimizer.variables]
        return [*(v.value for v in own), self.objective.offsets]

    @tf.function
    def __call__(self, batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Train on a batch of this rank; every rank calls this at the same time.

        Args:
            batch: int32 [batch_size, targets + inputs + 1], as batch_and_pad gives them.

        Returns:
            The label's summed log loss and the number of rows, over all ranks: float32 scalars.
        """
        parts = split_batch(batch)
        indices = self.network.hide_identities(parts.indices)
        rows = self.network.table(indices)
        loss, row_gradients, *others = self._differentiate(parts._replace(indices=indices), rows)
        per_lookup = tf.concat([row_gradients, self.factors.lookups(parts.weights)], axis=-1)
        per_row = tf.math.unsorted_segment_sum(
            tf.reshape(per_lookup, [-1, per_lookup.shape[-1]]),
            tf.reshape(indices + self.network.table.starts, [-1]),
            self._table.shape[0],
        )
        loss, count, *gradients = self.ranks.sum(
            [loss, tf.reduce_sum(parts.weights), per_row, *others]
        )
        self._update(count, *gradients)
        return loss, count

    def _gradients(self, batch: Batch, rows: tf.Tensor) -> list[tf.Tensor]:
        """The label's summed log loss; gradients of the looked up rows, offsets and others."""
        others = [v.value for v in self._others]
        with tf.GradientTape() as tape:
            tape.watch(rows)
            fields = self.network.fields(batch.indices, rows)
            logits = self.network.score(fields, training=True)
            of_label, of_row = self.objective.losses(batch, logits)
            posters = self.network.poster_vectors(fields)
            penalty = self.factors.penalty(rows, posters, batch.weights)
            penalty += tf.reduce_sum(batch.weights) * self._dense_penalty()
            objective = tf.reduce_sum(batch.weights * of_row) + penalty
        sources = [rows, self.objective.offsets, *others]
        return [tf.reduce_sum(batch.weights * of_label), *tape.gradient(objective, sources)]

    def _dense_penalty(self) -> tf.Tensor:
        kernels = [v.value for v in self._others if v.name == "kernel"]
        return self._dense_l2 * tf.add_n([tf.reduce_sum(tf.square(k)) for k in kernels])

    def _apply(
        self, count: tf.Tensor, per_row: tf.Tensor, offsets: tf.Tensor, *others: tf.Tensor
    ) -> None:
        table, lookups = per_row[:, :-1], per_row[:, -1:]
        self._table.assign_sub(self.factors.step(table, lookups))
        self.objective.step(offsets / count)
        means = [(1 - self.factors.rows) * table / count, *(g / count for g in others)]
        self.optimizer.apply(means, self._variables)


def make_step(assignment: Assignment, ranks: Ranks) -> TrainingStep:
    """The step of an assigned network with its first weights, the same on every rank.

    What Keras kept of the network before is let go, and its random numbers begin with the seed.
    """
    config = assignment.config
    keras.backend.clear_session()
    keras.utils.set_random_seed(assignment.seed)
    keras.config.set_dtype_policy(config.training.precision)
    network = build_network(assignment.model, config.networks, assignment.vocabulary_sizes)
    return TrainingStep(network, config.training, ranks, count_rows(assignment.train_files))


class Scorer:
    """A network's scores of batches, without dropout."""

    def __init__(self, network: RatingNetwork) -> None:
        self._logits = tf.function(lambda indices: network(indices, training=False))

    def __call__(self, batch: tf.Tensor) -> np.ndarray:
        """Labels and logits of the rows that are no padding: float32 [rows, 2]."""
        parts = split_batch(batch)
        scored = tf.stack([parts.labels, self._logits(parts.indices)], axis=1)
        return np.asarray(scored)[np.asarray(parts.weights) > 0]


def scale_learning_rate(training: Training, ranks: int) -> float:
    """The learning rate for a global batch of `ranks` batches.

    linear: Goyal et al. 2017 (arXiv 1706.02677); sqrt: Krizhevsky 2014 (arXiv 1404.5997).
    """
    factor = {"none": 1.0, "sqrt": ranks**0.5, "linear": float(ranks)}
    return training.learning_rate * factor[training.learning_rate_scaling]
