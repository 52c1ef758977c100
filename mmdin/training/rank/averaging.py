"""The mean of a network's weights over the latest steps."""

import tensorflow as tf

from mmdin.models.blocks import move_towards
from mmdin.models.network import RatingNetwork

_UPDATES_PER_EPOCH = 20
"""Weights a step apart are nearly the same: more updates cost time and change nothing."""


class AveragedNetwork:
    """The network that is validated and saved: its weights are means of those that are trained.

    Steps do not get smaller, so weights move around the place that training leads to, and where the
    last step leaves them is partly chance. Their mean is nearer (Polyak and Juditsky 1992).

    The mean is mostly of the last share of all updates so far, so that it follows fast at first.
    Update k moves it by w / (k + w - 1) of its distance to the weights, with w = 1 / share (Shamir
    and Zhang 2013, arXiv 1212.1824, section 4). The first takes the weights as they are.

    Every rank computes the same means, since all have the same weights.

    Args:
        trained: the network whose weights training changes.
        share: training.averaging. If 0, nothing is averaged.

    Attributes:
        network: another network like the trained one, which has the means; itself if share is 0.
        state: what must be restored to resume training, beside what the trained network has.
    """

    def __init__(self, trained: RatingNetwork, share: float) -> None:
        self._share = share
        self._updates = tf.Variable(0, dtype=tf.int64)
        self.network = _like(trained) if share else trained
        self._means, self._weights = (
            [v.value for v in network.weights] for network in (self.network, trained)
        )
        self.state = [*self._means, self._updates] if share else []
        self.restart()

    def restart(self) -> None:
        """Begin again, from the weights as they are: of earlier means not even a NaN is left."""
        self._updates.assign(0)
        for mean, weight in zip(self._means, self._weights, strict=True):
            mean.assign(weight)

    def after_step(self, step: int, steps: int) -> None:
        """Update the means, unless they were lately.

        Args:
            step: number of the step in its epoch, from 1.
            steps: of the epoch.
        """
        if self._share and step % max(1, steps // _UPDATES_PER_EPOCH) == 0:
            self._update()

    def _update(self) -> None:
        updates = int(self._updates.assign_add(1))
        window = 1 / self._share
        rate = window / (updates + window - 1)
        for mean, weight in zip(self._means, self._weights, strict=True):
            move_towards(mean, weight, rate)


def _like(network: RatingNetwork) -> RatingNetwork:
    """Build another network with the same arguments."""
    other: RatingNetwork = type(network).from_config(network.get_config())
    other.build((None, len(other.inputs_taken)))
    return other
