"""One step of training over all ranks, and scoring of one batch."""

import keras
import numpy as np
import tensorflow as tf

from mmdin.config import Training
from mmdin.models.network import RatingNetwork
from mmdin.training.ranks import Ranks


class TrainingStep:
    """Changes a network's weights by one global batch.

    The objective is the mean log loss over the rows of all ranks, plus l2 times the mean over rows
    of the squared embeddings that a row looked up. Sums are exchanged, not means, so that the
    result does not depend on how rows fall to ranks.

    The embedding table's rows are looked up before, and their gradients summed into the table's
    after, the part that XLA may compile.
    """

    def __init__(self, network: RatingNetwork, training: Training, ranks: Ranks) -> None:
        self.network, self.ranks, self.l2 = network, ranks, training.l2
        self.optimizer = keras.optimizers.Adam(scale_learning_rate(training, ranks.size))
        self._table = network.table.table
        self._others = [v for v in network.trainable_variables if v is not self._table]
        self._variables = [self._table, *self._others]
        self.optimizer.build(self._variables)
        self._differentiate = tf.function(self._gradients, jit_compile=training.xla)
        self._update = tf.function(self._apply, jit_compile=training.xla)

    @tf.function
    def __call__(self, batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Train on a batch of this rank; every rank calls this at the same time.

        Args:
            batch: int32 [batch_size, 1 + inputs + 1]: label, indices, weight (0 for padding).

        Returns:
            The summed log loss and the number of rows, over all ranks: float32 scalars.
        """
        labels, indices, weights = split_batch(batch)
        indices = self.network.hide_identities(indices)
        rows = self.network.table(indices)
        loss, row_gradients, others = self._differentiate(indices, rows, labels, weights)
        table_gradient = tf.math.unsorted_segment_sum(
            tf.reshape(row_gradients, [-1, row_gradients.shape[-1]]),
            tf.reshape(indices + self.network.table.starts, [-1]),
            self._table.shape[0],
        )
        count = tf.reduce_sum(weights)
        loss, count, *gradients = self.ranks.sum([loss, count, table_gradient, *others])
        self._update([g / count for g in gradients])
        return loss, count

    def _gradients(
        self, indices: tf.Tensor, rows: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        others = [v.value for v in self._others]
        with tf.GradientTape() as tape:
            tape.watch(rows)
            logits = self.network.score_rows(indices, rows, training=True)
            loss = tf.reduce_sum(weights * log_losses(labels, logits))
            penalty = tf.reduce_sum(weights[:, None, None] * tf.square(rows))
            objective = loss + self.l2 * penalty
        row_gradients, *gradients = tape.gradient(objective, [rows, *others])
        return loss, row_gradients, gradients

    def _apply(self, gradients: list[tf.Tensor]) -> None:
        self.optimizer.apply(gradients, self._variables)


class Scorer:
    """A network's scores of batches, without dropout."""

    def __init__(self, network: RatingNetwork) -> None:
        self._logits = tf.function(lambda indices: network(indices, training=False))

    def __call__(self, batch: tf.Tensor) -> np.ndarray:
        """Labels and logits of the rows that are no padding: float32 [rows, 2]."""
        labels, indices, weights = split_batch(batch)
        scored = tf.stack([labels, self._logits(indices)], axis=1)
        return np.asarray(scored)[np.asarray(weights) > 0]


def split_batch(batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Labels float32 [rows], indices int32 [rows, inputs], weights float32 [rows]."""
    return tf.cast(batch[:, 0], tf.float32), batch[:, 1:-1], tf.cast(batch[:, -1], tf.float32)


def log_losses(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Negative log-likelihood of each row, nats: float32 [rows]."""
    return tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)


def scale_learning_rate(training: Training, ranks: int) -> float:
    """The learning rate for a global batch of `ranks` batches.

    linear: Goyal et al. 2017 (arXiv 1706.02677); sqrt: Krizhevsky 2014 (arXiv 1404.5997).
    """
    factor = {"none": 1.0, "sqrt": ranks**0.5, "linear": float(ranks)}
    return training.learning_rate * factor[training.learning_rate_scaling]
