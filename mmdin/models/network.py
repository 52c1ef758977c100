"""What every rating network shares: inputs, the embedding table and views of its rows."""

import inspect
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from mmdin.inputs import GENRE_SLOTS, HISTORY_LENGTH, Group, inputs_of, numbers_of
from mmdin.models.biases import GatedBiases
from mmdin.models.embedding import FusedEmbedding
from mmdin.models.genres import GenreEmbedding
from mmdin.models.noise import Noise, NoiseCounter, draw_noise
from mmdin.models.pooled import PooledEmbedding

_IDENTITIES: tuple[Group, ...] = ("user", "movie")
"""The first two inputs of every network."""


class Fields:
    """A batch's embeddings by group of inputs, and its numbers.

    Args:
        network: whose inputs they are.
        indices: int32 [batch, inputs].
        rows: float32 [batch, inputs looked up, d], embeddings, or [.., d + 1] with the first-order
            weight of the input's value after them.
        numbers: float32 [batch] by column of samples.

    Attributes:
        numbers: as given.
    """

    def __init__(
        self,
        network: "RatingNetwork",
        indices: tf.Tensor,
        rows: tf.Tensor,
        numbers: Mapping[str, tf.Tensor],
    ) -> None:
        self.numbers, self._d = numbers, network.embedding_size
        # Split once: the gradient of each slice would be a tensor of the rows' whole shape.
        self._rows = _split(rows, Counter(i.group for i in network.inputs_looked_up))
        self._embeddings = {g: self._embeddings_of(of_group) for g, of_group in self._rows.items()}
        self._indices = _split(indices, Counter(i.group for i in network.inputs_taken))
        if network.genre_table is not None:
            self._genres = self._pool_genres(network.genre_table)
        self._pooled = {g: self._pool(g, table) for g, table in network.pooled_tables.items()}

    def rows_of(self, group: Group) -> tf.Tensor:
        """Return float32 [batch, inputs of the group, d or d + 1]: all numbers of the table's rows.

        No pooled group and no group of genres has rows, embeddings or first-order weights by slot.
        """
        return self._rows[group]

    def embeddings(self, group: Group) -> tf.Tensor:
        """Return float32 [batch, inputs of the group, d]."""
        return self._embeddings[group]

    def first_order(self, group: Group) -> tf.Tensor:
        """Return float32 [batch, inputs of the group]: one weight per value."""
        return self._rows[group][..., self._d]

    def genres_first_order(self) -> tf.Tensor:
        """Return the sum of the weights of the candidate's genres: float32 [batch]."""
        return self._genres.sums[:, 0, self._d]

    def mask(self, group: Group) -> tf.Tensor:
        """Return float32 [batch, inputs of the group]: 0 where the index is 0, else 1."""
        return tf.cast(self._indices[group] > 0, tf.float32)

    def pooled(self, group: Group) -> tf.Tensor:
        """Return the mean embedding of the inputs that are not 0, of a pooled group: [batch, d]."""
        return self._pooled[group]

    def flat(self, *groups: Group) -> list[tf.Tensor]:
        """Return each group's embeddings side by side: float32 [batch, inputs x d] each."""
        return [_flatten(self.embeddings(g)) for g in groups]

    def one(self, group: Group) -> tf.Tensor:
        """Return the embedding of a group of one input: float32 [batch, d]."""
        return tf.squeeze(self.embeddings(group), 1)

    def genres(self) -> tf.Tensor:
        """Return the mean embedding of the candidate's genres: float32 [batch, d]."""
        return self._genres.means[:, 0]

    def history_genres(self) -> tf.Tensor:
        """Return the mean embedding of each liked movie's genres: float32 [batch, positions, d]."""
        return self._genres.means[:, 1:]

    def candidate(self) -> tf.Tensor:
        """Return the candidate's embedding plus its genres', as the history has it: [batch, d]."""
        return (
            tf.squeeze(self.embeddings("movie") * self.mask("movie")[..., None], 1) + self.genres()
        )

    def history(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the liked movies and which positions hold one.

        Returns:
            Each movie's embedding plus its genres' mean, float32 [batch, positions, d], and the
            mask, float32 [batch, positions].
        """
        movies, mask = self.embeddings("history"), self.mask("history")
        present = tf.maximum(mask, self._genres.present[:, 1:])
        return movies * mask[..., None] + self._genres.means[:, 1:], present

    def _pool(self, group: Group, table: PooledEmbedding) -> tf.Tensor:
        count = tf.reduce_sum(self.mask(group), axis=-1, keepdims=True)
        return table(self._indices[group]) / tf.maximum(count, 1.0)

    def _pool_genres(self, genres: GenreEmbedding) -> "_PooledGenres":
        slots = tf.concat([self._indices["genres"], self._indices["history_genres"]], axis=1)
        slots = tf.reshape(slots, [-1, 1 + HISTORY_LENGTH, GENRE_SLOTS])
        count = tf.reduce_sum(tf.cast(slots > 0, tf.float32), axis=-1)
        sums = genres(slots)
        means = self._embeddings_of(sums) / tf.maximum(count, 1.0)[..., None]
        return _PooledGenres(means, sums, tf.minimum(count, 1.0))

    def _embeddings_of(self, rows: tf.Tensor) -> tf.Tensor:
        return rows if rows.shape[-1] == self._d else rows[..., : self._d]


class _PooledGenres(NamedTuple):
    """The genres of the candidate and then of each liked movie.

    Attributes:
        means: float32 [batch, 1 + positions, d], the mean embedding; 0 if a movie has no genre.
        sums: float32 [batch, 1 + positions, d or d + 1], the sum of all numbers of the rows.
        present: float32 [batch, 1 + positions], 1 if a movie has a genre, else 0.
    """

    means: tf.Tensor
    sums: tf.Tensor
    present: tf.Tensor


class RatingNetwork(keras.Model):
    """Base of the networks: encoded inputs in, one logit out.

    A subclass passes the groups of inputs that it takes, and defines `score`. Its other arguments
    are keyword-only and plain values, named as the keys of the configuration that they come from,
    and `get_config` returns them.

    Under Keras' global policy mixed_bfloat16 the dense layers compute in bfloat16. The table, what
    is pooled from it, and logits stay float32, as all weights do.

    Args:
        groups: the groups of inputs that the network takes.
        factor_groups: the groups whose embeddings are trained as factors (see
            mmdin.training.rank.factors).
        first_order: whether each value of an input also has a first-order weight.
        pooled_groups: the groups that the network sees as the mean of their embeddings.
        vocabulary_sizes: rows of each vocabulary, index 0 counted.
        embedding_size: numbers per embedding.
        genres: whether the network sees genres.
        biases: whether the biases that samples hold are added to the logit, if the network takes
            them at all.
        identity_dropout: share of training rows whose user is hidden, and share of rows whose movie
            is.
        dense_l2: weight of the squared weights of dense layers.

    Call arguments:
        indices: int32 [batch, len(inputs_taken)].
        numbers: float32 [batch, len(numbers_taken)]; if left out, all are 0.

    Output shape:
        Logits, float32 [batch].

    Attributes:
        inputs_taken: the inputs, in the order of the columns of `indices`.
        inputs_looked_up: those whose embeddings `table` has.
        numbers_taken: the numbers, in the order of the columns of `numbers`.
        factor_groups: as given.
        factor_inputs: the inputs of these groups.
        kernel_regularizer: dense_l2's penalty, for the subclass to give to every dense layer.
        table: the embeddings of all inputs but genres and pooled ones.
        pooled_tables: those of the pooled groups.
        genre_table: the genres' embeddings, or None if the network takes none.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        factor_groups: Sequence[Group] = (),
        first_order: bool = False,
        pooled_groups: Sequence[Group] = (),
        /,
        *,
        vocabulary_sizes: Mapping[str, int],
        embedding_size: int,
        genres: bool,
        biases: bool,
        identity_dropout: float,
        dense_l2: float = 0.0,
    ) -> None:
        super().__init__(dtype="float32")
        self.vocabulary_sizes, self.embedding_size = dict(vocabulary_sizes), embedding_size
        self.genres, self.biases = genres, biases
        self.identity_dropout, self.dense_l2 = identity_dropout, dense_l2
        self.inputs_taken = inputs_of(groups)
        self.numbers_taken = numbers_of(groups) if biases else ()
        self.factor_groups = tuple(factor_groups)
        self.factor_inputs = tuple(i for i in self.inputs_taken if i.group in factor_groups)
        self.kernel_regularizer = keras.regularizers.L2(dense_l2)
        # Products of smaller factors would hardly have a gradient to grow by.
        spread = 0.17 if factor_groups else 0.05
        dimension = embedding_size + int(first_order)
        self.inputs_looked_up = tuple(
            i for i in self.inputs_taken if not i.is_genre and i.group not in pooled_groups
        )
        self.table = FusedEmbedding(self.inputs_looked_up, vocabulary_sizes, dimension, spread)
        self.pooled_tables: dict[Group, PooledEmbedding] = {}
        for group in pooled_groups:
            sizes = [vocabulary_sizes[i.vocabulary] for i in inputs_of([group])]
            pooled = PooledEmbedding(len(sizes), max(sizes), embedding_size, spread)
            self.pooled_tables[group] = pooled
        self.genre_table = (
            GenreEmbedding(vocabulary_sizes["genre"], dimension, spread)
            if any(i.is_genre for i in self.inputs_taken)
            else None
        )
        names = [n.column for n in self.numbers_taken]
        self.gated_biases = GatedBiases(names) if names else None
        self._is_seen = np.array([genres or not i.is_genre for i in self.inputs_taken])
        self._seeds = keras.random.SeedGenerator()
        self._noise_columns = 0

    @classmethod
    def argument_names(cls, among: Collection[str]) -> list[str]:
        """Return which of the names are keyword-only arguments of the class or of its bases."""
        bases = [c for c in cls.__mro__ if issubclass(c, RatingNetwork)]
        parameters = [p for c in bases for p in inspect.signature(c.__init__).parameters.values()]
        names = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
        return [name for name in among if name in names]

    def get_config(self) -> dict[str, Any]:
        """Return the arguments by name, as JSON can hold them."""
        return {
            "vocabulary_sizes": dict(self.vocabulary_sizes),
            "embedding_size": self.embedding_size,
            "genres": self.genres,
            "biases": self.biases,
            "identity_dropout": self.identity_dropout,
            "dense_l2": self.dense_l2,
        }

    def build(self, input_shape: tuple[int | None, int]) -> None:
        indices, counter = tf.zeros([1, input_shape[1]], tf.int32), NoiseCounter()
        fields = self.fields(indices, self.table(self.looked_up(indices)))
        # Layers make their weights when they are first called, in the order of the calls. Keras
        # then calls them more than once, so that only the second time can be counted.
        self.logits(fields)
        self.logits(fields, counter)
        self._noise_columns = counter.columns

    def call(self, indices: tf.Tensor, numbers: tf.Tensor | None = None) -> tf.Tensor:
        rows = self.table(self.looked_up(indices))
        return self.logits(self.fields(indices, rows, numbers))

    def looked_up(self, indices: tf.Tensor) -> tf.Tensor:
        """Return the columns of the indices that `table` looks up: int32 [batch, inputs]."""
        parts = _split(indices, Counter(i.group for i in self.inputs_taken))
        looked_up = dict.fromkeys(i.group for i in self.inputs_looked_up)
        return tf.concat([parts[group] for group in looked_up], axis=1)

    def fields(
        self, indices: tf.Tensor, rows: tf.Tensor, numbers: tf.Tensor | None = None
    ) -> Fields:
        """Return a batch's embeddings by group, with inputs that the network may not see masked.

        Apart from the look-up, so that a training step can differentiate with respect to the rows.

        Args:
            indices: int32 [batch, inputs].
            rows: float32 [batch, inputs looked up, d or d + 1], the table's rows for them.
            numbers: float32 [batch, numbers]; if left out, all are 0.
        """
        if numbers is None:
            numbers = tf.zeros([tf.shape(indices)[0], len(self.numbers_taken)])
        named = {n.column: numbers[:, at] for at, n in enumerate(self.numbers_taken)}
        seen = indices * self._is_seen.astype("int32")
        return Fields(self, seen, rows, named)

    def logits(self, fields: Fields, noise: Noise | None = None) -> tf.Tensor:
        """Return the logits float32 [batch]: `score`, and the biases if the network takes them."""
        logits = self.score(fields, noise)
        if self.gated_biases is None:
            return logits
        knows_user, knows_movie = (tf.squeeze(fields.mask(g), 1) for g in ("user", "movie"))
        return logits + self.gated_biases(fields.numbers, knows_user, knows_movie)

    def score(self, fields: Fields, noise: Noise | None) -> tf.Tensor:
        """Return what the embeddings of a batch add to its logits: float32 [batch].

        Args:
            fields: the embeddings.
            noise: what dropout is made with in training; there is none without.
        """
        raise NotImplementedError

    def row_penalties(self, fields: Fields) -> tf.Tensor:
        """Return what each row adds to the objective: float32 [batch].

        Penalties of weights, of which a batch's rows are no part, are Keras' `losses`.
        """
        return tf.zeros(tf.shape(fields.rows_of("user"))[:1])

    def draw_noise(self, rows: int, stream: int = 0) -> tf.Tensor:
        """Draw what `Noise` hands out in one pass: uint8 [n], others in every call.

        Args:
            rows: of the batch.
            stream: whose batch it is, of those that draw at the same state.
        """
        return draw_noise(self._seeds.next(), stream, rows * self._noise_columns)

    def drop_identities(self, indices: tf.Tensor, stream: int = 0) -> tf.Tensor:
        """Set a random share of the users, and of the movies, in the indices to 0.

        Training rows hold no unseen user or movie; without this, index 0 would stay untrained.

        Args:
            indices: int32 [batch, inputs].
            stream: as of draw_noise.
        """
        if self.identity_dropout == 0:
            return indices
        columns = len(_IDENTITIES)
        identities, others = tf.split(indices, [columns, indices.shape[1] - columns], axis=1)
        noise = Noise(draw_noise(self._seeds.next(), stream, indices.shape[0] * columns))
        kept = noise.drop(tf.ones_like(identities, tf.float32), self.identity_dropout) > 0
        return tf.concat([tf.where(kept, identities, 0), others], axis=1)


def _split(x: tf.Tensor, counts: Mapping[Group, int]) -> dict[Group, tf.Tensor]:
    """Split [batch, inputs, ..] into groups of as many inputs as `counts` gives, in its order."""
    return dict(zip(counts, tf.split(x, list(counts.values()), axis=1), strict=True))


def _flatten(x: tf.Tensor) -> tf.Tensor:
    return tf.reshape(x, [-1, x.shape[1] * x.shape[2]])
