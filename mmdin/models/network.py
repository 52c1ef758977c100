"""What every rating network shares: inputs, the embedding table and views of its rows."""

from collections import Counter
from collections.abc import Mapping
from typing import ClassVar

import keras
import numpy as np
import tensorflow as tf

from mmdin.config import Networks
from mmdin.inputs import GENRE_SLOTS, HISTORY_LENGTH, Group, Input, inputs_of
from mmdin.models.embedding import FusedEmbedding
from mmdin.models.pooling import masked_mean


class Fields:
    """A batch's embeddings by group of inputs.

    indices: int32 [batch, inputs]; rows: float32 [batch, inputs, d + 1], of which the last number
    is the first-order weight of the input's value and the others are its embedding.
    """

    def __init__(self, inputs: tuple[Input, ...], indices: tf.Tensor, rows: tf.Tensor) -> None:
        counts = Counter(i.group for i in inputs)
        # Split once: the gradient of each slice would be a tensor of the rows' whole shape.
        embeddings, first_order = tf.split(rows, [rows.shape[-1] - 1, 1], axis=2)
        self._embeddings = _split(embeddings, counts)
        self._first_order = _split(tf.squeeze(first_order, 2), counts)
        self._indices = _split(indices, counts)

    def embeddings(self, group: Group) -> tf.Tensor:
        """float32 [batch, inputs of the group, d]."""
        return self._embeddings[group]

    def first_order(self, group: Group) -> tf.Tensor:
        """float32 [batch, inputs of the group]: one weight per value."""
        return self._first_order[group]

    def mask(self, group: Group) -> tf.Tensor:
        """float32 [batch, inputs of the group]: 0 where the index is 0, else 1."""
        return tf.cast(self._indices[group] > 0, tf.float32)

    def flat(self, *groups: Group) -> list[tf.Tensor]:
        """Each group's embeddings side by side: float32 [batch, inputs x d] each."""
        return [_flatten(self.embeddings(g)) for g in groups]

    def one(self, group: Group) -> tf.Tensor:
        """The embedding of a group of one input: float32 [batch, d]."""
        return tf.squeeze(self.embeddings(group), 1)

    def genres(self) -> tf.Tensor:
        """Mean embedding of the candidate's genres: float32 [batch, d]."""
        return masked_mean(self.embeddings("genres"), self.mask("genres"))

    def candidate(self) -> tf.Tensor:
        """The candidate as the history sees it: its embedding plus its genres', [batch, d]."""
        return (
            tf.squeeze(self.embeddings("movie") * self.mask("movie")[..., None], 1) + self.genres()
        )

    def history(self) -> tuple[tf.Tensor, tf.Tensor]:
        """The praised movies, each its embedding plus its genres' mean, and which there are.

        Returns float32 [batch, positions, d] and the mask float32 [batch, positions].
        """
        movies, movie_mask = self.embeddings("history"), self.mask("history")
        shape = [-1, HISTORY_LENGTH, GENRE_SLOTS]
        genre_mask = tf.reshape(self.mask("history_genres"), shape)
        genres = tf.reshape(self.embeddings("history_genres"), [*shape, movies.shape[-1]])
        present = tf.maximum(movie_mask, tf.reduce_max(genre_mask, axis=-1))
        return movies * movie_mask[..., None] + masked_mean(genres, genre_mask), present


class RatingNetwork(keras.Model):
    """Base of the networks: encoded inputs in, one logit out.

    Subclasses name the groups of inputs that they take and define `score`.

    Under Keras' global policy mixed_bfloat16 the dense layers compute in bfloat16; the table, what
    is pooled from it, and logits stay float32, as all weights do.

    Args:
        sizes: the networks' section of the configuration.
        vocabulary_sizes: rows of each vocabulary, index 0 counted.

    Call: indices int32 [batch, len(inputs_taken)] -> logits float32 [batch].
    """

    groups: ClassVar[tuple[Group, ...]]

    def __init__(self, sizes: Networks, vocabulary_sizes: Mapping[str, int]) -> None:
        super().__init__(dtype="float32")
        self.sizes = sizes
        self.inputs_taken = inputs_of(self.groups_taken(sizes))
        # Products of smaller factors would hardly have a gradient to grow by.
        self.table = FusedEmbedding(
            self.inputs_taken,
            vocabulary_sizes,
            sizes.embedding_size + 1,
            spread=0.17 if self.factors_of(sizes) else 0.05,
        )
        self._seen = np.array([sizes.genres or i.vocabulary != "genre" for i in self.inputs_taken])
        self._hideable = [i.group in ("user", "movie") for i in self.inputs_taken]
        self._hiding = keras.random.SeedGenerator()

    @classmethod
    def groups_taken(cls, sizes: Networks) -> tuple[Group, ...]:
        """The groups of inputs that a network of these sizes takes."""
        return cls.groups

    @classmethod
    def factors_of(cls, sizes: Networks) -> tuple[Group, ...]:
        """The groups of inputs whose embeddings are trained as factors (see TrainingStep)."""
        return ()

    def call(self, indices: tf.Tensor, training: bool = False) -> tf.Tensor:
        return self.score(self.fields(indices, self.table(indices)), training)

    def fields(self, indices: tf.Tensor, rows: tf.Tensor) -> Fields:
        """The groups of inputs in indices and the table's rows for them, unseen ones masked.

        Apart from the look-up so that a training step can differentiate with respect to the rows,
        float32 [batch, inputs, d + 1].
        """
        return Fields(self.inputs_taken, indices * self._seen.astype("int32"), rows)

    def score(self, fields: Fields, training: bool) -> tf.Tensor:
        """The logits float32 [batch] of a batch's embeddings."""
        raise NotImplementedError

    def poster_vectors(self, fields: Fields) -> tf.Tensor:
        """What posters add to the candidate's embedding: float32 [batch, d], or [batch, 0]."""
        return tf.zeros([tf.shape(fields.mask("user"))[0], 0])

    def attention_weights(self, indices: tf.Tensor) -> tf.Tensor:
        """What each praised movie is multiplied by: float32 [batch, positions].

        Only of networks with an `attention` layer.
        """
        fields = self.fields(indices, self.table(indices))
        return self.attention.weights_of(*fields.history(), fields.candidate())

    def hide_identities(self, indices: tf.Tensor) -> tf.Tensor:
        """The indices with some users and movies set to 0, each by itself.

        Training rows hold no unseen user or movie; without this, index 0 would stay untrained.
        """
        hidden = self.sizes.identity_dropout
        if hidden == 0:
            return indices
        draws = keras.random.uniform(tf.shape(indices), seed=self._hiding)
        return tf.where((draws < hidden) & self._hideable, 0, indices)


def _split(x: tf.Tensor, counts: Mapping[Group, int]) -> dict[Group, tf.Tensor]:
    """Parts of [batch, inputs, ..] by group; counts gives each one's inputs, in their order."""
    return dict(zip(counts, tf.split(x, list(counts.values()), axis=1), strict=True))


def _flatten(x: tf.Tensor) -> tf.Tensor:
    return tf.reshape(x, [-1, x.shape[1] * x.shape[2]])
