"""What training makes small."""

import tensorflow as tf

from mmdin.config import Training
from mmdin.dataset.batches import Batch


class Objective:
    """The log loss of the label and, beside it, of whether the rating reaches other stars.

    A threshold t among training.ordinal_stars has log-odds(rating >= t) = logit + offset_t: the
    proportional odds of ordinal regression (McCullagh 1980). The logit stays that of the label,
    but learns from 5 stars more than from 3.5 where both are positive.

    offsets: float32 [thresholds], learned by steps of their mean gradient. The log loss is at
    most 1/4 curved, so that they are stable, and settle within some dozens of batches.
    """

    def __init__(self, training: Training) -> None:
        self._reached = tf.constant([round(2 * s) for s in training.ordinal_stars], tf.int32)
        self._weight = training.ordinal_weight
        self.offsets = tf.Variable(tf.zeros(len(training.ordinal_stars)))

    def losses(self, batch: Batch, logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Of each row, the label's log loss and what is to be made small: float32 [rows] each."""
        of_label = log_losses(batch.labels, logits)
        reached = tf.cast(batch.half_stars[:, None] >= self._reached, tf.float32)
        of_stars = log_losses(reached, logits[:, None] + self.offsets)
        return of_label, of_label + self._weight * tf.reduce_sum(of_stars, axis=1)

    def step(self, gradient: tf.Tensor) -> None:
        """Move the offsets against the mean of their gradient over all rows."""
        self.offsets.assign_sub(gradient)


def log_losses(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Negative log-likelihood of labels, in nats: float32 of the shape of both."""
    return tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
