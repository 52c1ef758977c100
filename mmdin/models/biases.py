"""What the biases of movies and users add to a logit."""

from collections.abc import Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

FIRST_WEIGHTS = {
    # log-odds of a like per star: if the identity is known, if it is not
    "movie_bias": (0.0, 2.0),
    "user_bias": (0.0, 2.0),
    "genre_bias": (1.0, 1.0),
    "neighbour_bias": (3.0, 3.0),
    "recent_bias": (0.5, 0.5),
    "poster_bias": (0.0, 0.0),  # worth nothing on the ratings of MovieLens that have a poster
}
"""About what a logistic regression on training rows of MovieLens gives, so that few steps suffice.
Embeddings of users and movies that training sees learn their biases by themselves."""

_SCALE = 10.0
"""Weights near 2 are learned as a tenth of that: Adam moves every variable as far in a step."""


class GatedBiases(keras.layers.Layer):
    """Adds up biases, each with one weight if the network knows the identity, and one if not.

    The embeddings of users and movies that training saw hold their levels, and counting them twice
    costs accuracy. Of others the bias is all that is known, and counts fully. Its weight is learned
    from rows whose identity is hidden (see RatingNetwork.drop_identities).

    Args:
        names: of the biases, from FIRST_WEIGHTS.

    Call arguments:
        biases: float32 [batch] by name.
        knows_user: float32 [batch], 1 if the user's index is not 0, else 0.
        knows_movie: the same of the movie; it decides for movie_bias, and the user for the others.

    Output shape:
        float32 [batch], log-odds.
    """

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(dtype="float32")
        self._names = tuple(names)
        first = np.array([FIRST_WEIGHTS[name] for name in names], np.float32) / _SCALE
        self.gates = self.add_weight(
            shape=first.shape, initializer=lambda shape, dtype: tf.constant(first), name="gates"
        )

    def call(
        self, biases: Mapping[str, tf.Tensor], knows_user: tf.Tensor, knows_movie: tf.Tensor
    ) -> tf.Tensor:
        known, unknown = tf.unstack(_SCALE * self.gates.value, axis=1)
        added = []
        for n, name in enumerate(self._names):
            knows = knows_movie if name == "movie_bias" else knows_user
            added.append(biases[name] * (knows * known[n] + (1 - knows) * unknown[n]))
        return tf.add_n(added)
