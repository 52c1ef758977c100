"""A network and the encodings of its inputs as one TensorFlow graph."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from mmdin import inputs
from mmdin.export.encodings import Encodings, is_number
from mmdin.inputs import GENRE_SLOTS, HISTORY_LENGTH, Input, Number
from mmdin.models.network import RatingNetwork

Values = Mapping[str, tf.Tensor]

_POSITIONS, _SLOTS = range(1, HISTORY_LENGTH + 1), range(1, GENRE_SLOTS + 1)

_GENRES_OF_ROW = {inputs.genre(s): s for s in _SLOTS}
"""Inputs that are the slots of column genres, which joins a movie's genres by |."""

_GENRES_OF_HISTORY = {
    inputs.history_genre(p, s): (inputs.history_movie(p), s) for p in _POSITIONS for s in _SLOTS
}
"""Inputs that follow from a movie of the history: samples have no readable column of them."""


class ReadableInputs:
    """Turns readable values into what a network takes, as Spark does.

    Args:
        taken: the inputs, in the order of the network's columns.
        numbers: the numbers, in that order.
        encodings: of the samples that the network was trained on.

    Attributes:
        types: the type of each value, by its name: those of the readable columns of samples.
        tables: what the graph looks values up in.
    """

    def __init__(
        self, taken: Sequence[Input], numbers: Sequence[Number], encodings: Encodings
    ) -> None:
        self._taken, self._numbers = tuple(taken), tuple(numbers)
        self._edges = {i.value: encodings.edges[i.value] for i in taken if i.is_bucket}
        self._vocabularies = {
            name: _index_table(encodings.keys[name], np.arange(1, len(encodings.keys[name]) + 1))
            for name in dict.fromkeys(i.vocabulary for i in taken if not i.is_bucket)
        }
        self.tables = list(self._vocabularies.values())
        if any(i.value in _GENRES_OF_HISTORY for i in taken):
            self._movies = _index_table(encodings.movies, np.arange(1, len(encodings.movies) + 1))
            self.tables.append(self._movies)
            none = np.zeros((1, GENRE_SLOTS), np.int32)
            self._genres = tf.constant(np.concatenate([none, encodings.genres]))
        self.types = {name: dtype for i in taken for name, dtype in [_value_of(i)]}
        self.types |= {n.column: tf.float64 for n in numbers}

    def __call__(self, values: Values) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Return the indices int32 [rows, inputs] and the numbers float32 [rows, numbers]."""
        genres = self._split_genres(values["genres"]) if "genres" in values else None
        columns = [self._index(i, values, genres) for i in self._taken]
        numbers = [tf.cast(values[n.column], tf.float32) for n in self._numbers]
        return tf.stack(columns, axis=1), tf.stack(numbers, axis=1) if numbers else None

    def _index(self, i: Input, values: Values, genres: tf.Tensor) -> tf.Tensor:
        if i.is_bucket:
            return bucket_of(values[i.value], self._edges[i.value])
        if i.value in _GENRES_OF_HISTORY:
            movie, slot = _GENRES_OF_HISTORY[i.value]
            return tf.gather(self._genres, self._movies.lookup(values[movie]))[:, slot - 1]
        if i.value in _GENRES_OF_ROW:
            keys = genres[:, _GENRES_OF_ROW[i.value] - 1]
        else:
            keys = values[i.value]
        return self._vocabularies[i.vocabulary].lookup(keys)

    def _split_genres(self, genres: tf.Tensor) -> tf.Tensor:
        return tf.strings.split(genres, "|").to_tensor("", shape=[None, GENRE_SLOTS])


def bucket_of(values: tf.Tensor, edges: Sequence[float]) -> tf.Tensor:
    """Return 1 + the edges at or below each value, 0 for NaN: int32 [rows].

    In the order of Java's doubles, by which Spark's Bucketizer searches: -0.0 is below 0.0. As
    integers, so that no processor takes numbers near 0 for 0.

    Args:
        values: float64 [rows].
        edges: ascending.
    """
    ordered = tf.constant(np.array(edges, np.float64))
    above = tf.searchsorted(_in_order(ordered), _in_order(values), side="right")
    return tf.where(tf.math.is_nan(values), 0, above + 1)


def save_model(network: RatingNetwork, encodings: Encodings, folder: Path) -> dict[str, Any]:
    """Write a SavedModel with the signatures readable and encoded; readable is also the default.

    Returns:
        The types of the inputs of each signature by name, such as int64.
    """
    readable = ReadableInputs(network.inputs_taken, network.numbers_taken, encodings)
    module = tf.Module()
    module.tables = readable.tables
    # Not the network itself: Keras' objects could only be loaded with this project's classes.
    module.weights = [weight.value for weight in network.weights]
    types = {
        "readable": readable.types,
        "encoded": {
            **{i.column: tf.int32 for i in network.inputs_taken},
            **{n.column: tf.float32 for n in network.numbers_taken},
        },
    }

    def score_readable(**values: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"score": _score(network, *readable(values))}

    def score_encoded(**values: tf.Tensor) -> dict[str, tf.Tensor]:
        indices = tf.stack([values[i.column] for i in network.inputs_taken], axis=1)
        numbers = [values[n.column] for n in network.numbers_taken]
        return {"score": _score(network, indices, tf.stack(numbers, axis=1) if numbers else None)}

    signatures = {
        "readable": _trace(score_readable, types["readable"]),
        "encoded": _trace(score_encoded, types["encoded"]),
    }
    signatures["serving_default"] = signatures["readable"]
    tf.saved_model.save(module, str(folder), signatures)
    return {name: {n: t.name for n, t in taken.items()} for name, taken in types.items()}


def _score(network: RatingNetwork, indices: tf.Tensor, numbers: tf.Tensor | None) -> tf.Tensor:
    # In double precision, as Spark has them, scores near 0 and 1 stay different.
    return tf.sigmoid(tf.cast(network(indices, numbers), tf.float64))


def _trace(function: Callable[..., Any], types: Mapping[str, tf.DType]) -> Any:
    """Return the graph of a function of named tensors with any number of rows."""
    specs = {name: tf.TensorSpec([None], dtype, name) for name, dtype in types.items()}
    return tf.function(function, autograph=False).get_concrete_function(**specs)


def _value_of(i: Input) -> tuple[str, tf.DType]:
    """Name and type of the value that an input is made from."""
    if i.is_bucket:
        return i.value, tf.float64
    if i.value in _GENRES_OF_ROW:
        return "genres", tf.string
    name = _GENRES_OF_HISTORY[i.value][0] if i.value in _GENRES_OF_HISTORY else i.value
    return name, tf.int64 if is_number(name) else tf.string


def _index_table(keys: Any, indices: Any) -> tf.lookup.StaticHashTable:
    dtype = tf.string if isinstance(keys, list) else tf.int64
    entries = tf.lookup.KeyValueTensorInitializer(
        tf.constant(keys, dtype, [len(keys)]), tf.constant(indices, tf.int32)
    )
    return tf.lookup.StaticHashTable(entries, default_value=0)


def _in_order(values: tf.Tensor) -> tf.Tensor:
    """Return integers that are ordered as Java orders the doubles: int64 [rows]."""
    bits = tf.bitcast(values, tf.int64)
    return tf.where(bits < 0, tf.bitwise.bitwise_xor(bits, np.int64(2**63 - 1)), bits)
