"""The optimizer against Keras' own."""

import keras
import numpy as np
import tensorflow as tf

from mmdin.training.rank.adam import Adam


def test_updates_are_those_of_keras() -> None:
    generator = np.random.default_rng(3)
    first = [generator.normal(size=shape).astype(np.float32) for shape in ((5, 3), (4,), ())]
    mine, expected = ([keras.Variable(v) for v in first] for _ in range(2))
    optimizer, of_keras = Adam(mine, 0.01), keras.optimizers.Adam(0.01)
    for _ in range(20):
        gradients = [tf.constant(generator.normal(size=v.shape), tf.float32) for v in first]
        optimizer.apply(gradients)
        of_keras.apply(gradients, expected)
    for one, other, before in zip(mine, expected, first, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
        assert np.abs(np.asarray(one) - before).min() > 0
