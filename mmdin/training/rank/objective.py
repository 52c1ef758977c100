"""The loss that training minimises, without the penalties on weights."""

import tensorflow as tf

from mmdin.config import Training
from mmdin.dataset.batches import Batch


class Objective:
    """The log loss of the label plus weighted log losses of `rating >= t` for several thresholds t.

    The thresholds are training.ordinal_stars. They share the label's logit: log-odds(rating >= t) =
    logit + offset_t, the proportional odds model of ordinal regression (McCullagh 1980). The logit
    is still the label's, but it also learns that 5 stars are better than 3.5, although the label of
    both is 1.

    The offsets are learned by gradient steps of rate 1 on the mean over rows. The curvature of the
    log loss is at most 1/4, so these steps are stable; they converge within dozens of batches.

    Attributes:
        offsets: float32 [thresholds].

    Args:
        training: gives the thresholds and their weight.
    """

    def __init__(self, training: Training) -> None:
        self._thresholds = tf.constant([round(2 * s) for s in training.ordinal_stars], tf.int32)
        self._weight = training.ordinal_weight
        self.offsets = tf.Variable(tf.zeros(len(training.ordinal_stars)))

    def losses(self, batch: Batch, logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Compute the losses of each row.

        Args:
            batch: rows.
            logits: float32 [rows].

        Returns:
            The label's log loss, and the loss to be minimised: float32 [rows] each.
        """
        of_label = log_losses(batch.labels, logits)
        reached = tf.cast(batch.half_stars[:, None] >= self._thresholds, tf.float32)
        of_stars = log_losses(reached, logits[:, None] + self.offsets)
        return of_label, of_label + self._weight * tf.reduce_sum(of_stars, axis=1)

    def step(self, gradient: tf.Tensor) -> None:
        """Move the offsets against the mean of their gradient over all rows."""
        self.offsets.assign_sub(gradient)


def log_losses(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Compute the negative log-likelihood of labels, in nats: float32 of the shape of both."""
    return tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
