"""The random numbers of dropout, drawn before a network is called."""

import tensorflow as tf

_STEPS = 256
"""Rates are whole numbers of 256ths: a byte says whether a number is dropped."""


class Noise:
    """Random bytes for one pass of a batch, of which each layer takes some when it is called.

    They are drawn outside the part of a step that XLA may compile: inside, it would draw them again
    for every use on CPUs.

    Args:
        drawn: uint8 [batch x columns].
    """

    def __init__(self, drawn: tf.Tensor) -> None:
        self._drawn, self._taken = drawn, 0

    def drop(self, x: tf.Tensor, rate: float) -> tf.Tensor:
        """Set a share of the numbers to 0, and scale the others so that the mean stays.

        Args:
            x: float [batch, n].
            rate: the share.
        """
        threshold = _threshold(rate)
        if threshold == 0:
            return x
        kept = tf.cast(self._take(*x.shape) >= threshold, x.dtype)
        return x * (kept * (_STEPS / (_STEPS - threshold)))

    def _take(self, rows: int, columns: int) -> tf.Tensor:
        start, self._taken = self._taken, self._taken + rows * columns
        return tf.reshape(self._drawn[start : self._taken], [rows, columns])


class NoiseCounter(Noise):
    """Drops nothing, and counts the bytes that layers would take for each row.

    Attributes:
        columns: their number so far.
    """

    def __init__(self) -> None:
        self.columns = 0

    def drop(self, x: tf.Tensor, rate: float) -> tf.Tensor:
        """Count the numbers, and return them all."""
        if _threshold(rate):
            self.columns += x.shape[-1]
        return x


def draw_noise(seed: tf.Tensor, stream: int, size: int) -> tf.Tensor:
    """Draw what Noise takes: uint8 [size].

    Args:
        seed: int64 [2]; the same seed and stream give the same bytes.
        stream: streams of one seed are independent.
        size: number of bytes.
    """
    of_stream = tf.random.experimental.stateless_fold_in(seed, stream)
    # Four bytes at once: what is drawn takes its time by the number.
    drawn = tf.random.stateless_uniform([(size + 3) // 4], of_stream, None, None, tf.int32)
    return tf.reshape(tf.bitcast(drawn, tf.uint8), [-1])[:size]


def _threshold(rate: float) -> int:
    """The bytes below it drop a number: at least one if the rate is not 0, and never all."""
    return min(max(round(rate * _STEPS), int(rate > 0)), _STEPS - 1)
