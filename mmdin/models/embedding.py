"""The embedding tables of all inputs."""

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from mmdin.inputs import Input
from mmdin.models.blocks import assign_block, blocks_of, ranges_of

LARGE = 100_000
"""A vocabulary of as many rows or more has its own table, of which training updates the rows
that a batch looks up, and no others (docs/decisions/large-vocabularies.md)."""


class FusedEmbedding(keras.layers.Layer):
    """Embeddings of every input, looked up at once.

    The vocabularies' rows follow one another in one matrix, so that a batch needs one gather for
    any number of inputs. Inputs of one vocabulary share its rows. Large vocabularies have a matrix
    each.

    Files of weights hold one matrix of all rows either way.

    Args:
        inputs: the inputs, in the order of the columns of `indices`.
        vocabulary_sizes: rows of each vocabulary, index 0 counted.
        dimension: numbers per row.
        spread: rows are drawn uniformly from -spread to spread.

    Call arguments:
        indices: int32 [batch, inputs], each below its vocabulary's size.

    Output shape:
        float32 [batch, inputs, dimension].

    Attributes:
        table: the matrix of vocabularies that are not large, float32 [rows, dimension], or one
            unused row if all are.
        large: the matrices of the others, by the names of their vocabularies.
        starts: first row of each input's vocabulary in its table, int32 [inputs].
        columns: numbers of the inputs whose rows a table has, for `table` and then each of `large`.

    Raises:
        ValueError: if a vocabulary has no size.

    Example:
        >>> table = FusedEmbedding(inputs_of(["movie"]), {"movie": 1001}, dimension=16)
        >>> table(tf.constant([[5], [7]])).shape
        TensorShape([2, 1, 16])
    """

    def __init__(
        self,
        inputs: Sequence[Input],
        vocabulary_sizes: Mapping[str, int],
        dimension: int,
        spread: float = 0.05,
    ) -> None:
        super().__init__(dtype="float32")
        vocabularies = sorted({i.vocabulary for i in inputs})
        missing = [v for v in vocabularies if v not in vocabulary_sizes]
        if missing:
            raise ValueError(f"no vocabulary size is given for {', '.join(missing)}")
        self._sizes = {v: vocabulary_sizes[v] for v in vocabularies}
        large = [v for v in vocabularies if self._sizes[v] >= LARGE]
        sizes = {v: size for v, size in self._sizes.items() if v not in large}
        start_of = dict(zip(sizes, np.cumsum([0, *sizes.values()]), strict=False))
        self.starts = np.array([start_of.get(i.vocabulary, 0) for i in inputs], dtype=np.int32)
        self._rows_of = {v: slice(start_of[v], start_of[v] + size) for v, size in sizes.items()}
        self.table = self.add_weight(
            # One row at least: ranks exchange no tensor of nothing.
            shape=(max(sum(sizes.values()), 1), dimension),
            initializer=keras.initializers.RandomUniform(-spread, spread),
            name="table",
        )
        self.large = {v: self._add_large(v, dimension, spread) for v in large}
        table_of = [1 + large.index(i.vocabulary) if i.vocabulary in large else 0 for i in inputs]
        self.columns = [
            np.flatnonzero(np.equal(table_of, n)).astype(np.int32) for n in range(1 + len(large))
        ]
        self._runs = [(table, len(list(run))) for table, run in itertools.groupby(table_of)]
        if not len(self.columns[0]):
            self._runs.append((0, 0))

    def call(self, indices: tf.Tensor) -> tf.Tensor:
        return self.in_order(self.look_up(self.row_numbers(indices)))

    def row_numbers(self, indices: tf.Tensor) -> list[tf.Tensor]:
        """Return the rows that indices mean: int32 [batch, inputs] for each table's inputs."""
        numbers = indices + self.starts
        if not self.large:
            return [numbers]
        return [tf.gather(numbers, columns, axis=1) for columns in self.columns]

    def look_up(self, numbers: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Return the rows of each table: float32 [batch, inputs, dimension] for its inputs.

        Args:
            numbers: as row_numbers returns them.
        """
        tables = [self.table, *self.large.values()]
        return [tf.gather(t.value, rows) for t, rows in zip(tables, numbers, strict=True)]

    def in_order(self, rows: Sequence[tf.Tensor]) -> tf.Tensor:
        """Return what look_up returned as one tensor, in the order of the inputs."""
        if not self.large:
            return rows[0]
        runs = [
            iter(tf.split(of_table, [length for t, length in self._runs if t == n], axis=1))
            for n, of_table in enumerate(rows)
        ]
        return tf.concat([next(runs[table]) for table, _ in self._runs], axis=1)

    def is_row_of(self, vocabularies: Collection[str]) -> npt.NDArray[np.bool_]:
        """Return whether each row of `table` belongs to the vocabularies: bool [rows]."""
        chosen = np.zeros(self.table.shape[0], dtype=bool)
        for vocabulary in set(vocabularies) - set(self.large):
            chosen[self._rows_of[vocabulary]] = True
        return chosen

    def save_own_variables(self, store: Any) -> None:
        """Save one matrix of all rows, large tables by blocks."""
        if not self.large:
            super().save_own_variables(store)
            return
        # Keras' store takes whole arrays alone; the group behind it takes rows.
        shape = (sum(self._sizes.values()), self.table.shape[1])
        saved, start = store._h5_entry_group.create_dataset("0", shape, "float32"), 0
        for block in itertools.chain.from_iterable(map(self._blocks, self._sizes)):
            saved[start : start + len(block)] = block
            start += len(block)

    def load_own_variables(self, store: Any) -> None:
        """Load what save_own_variables saved, whichever vocabularies were large then."""
        if not self.large:
            super().load_own_variables(store)
            return
        saved, shared, start = store._h5_entry_group["0"], self.table.numpy(), 0
        if saved.shape != (sum(self._sizes.values()), shared.shape[1]):
            raise ValueError(f"embeddings of the shape {saved.shape} do not fit")
        for vocabulary, size in self._sizes.items():
            if vocabulary in self.large:
                table = self.large[vocabulary].value
                for first, end in ranges_of(table):
                    assign_block(table, first, saved[start + first : start + end])
            else:
                shared[self._rows_of[vocabulary]] = saved[start : start + size]
            start += size
        self.table.assign(shared)

    def _blocks(self, vocabulary: str) -> Iterable[npt.NDArray[Any]]:
        if vocabulary in self.large:
            return blocks_of(self.large[vocabulary].value)
        return [self.table.numpy()[self._rows_of[vocabulary]]]

    def _add_large(self, vocabulary: str, dimension: int, spread: float) -> keras.Variable:
        """Add a table, whose rows are drawn by blocks."""
        shape = (self._sizes[vocabulary], dimension)
        table = self.add_weight(shape=shape, initializer="zeros", name=vocabulary)
        for start, end in ranges_of(table.value):
            draw = keras.initializers.RandomUniform(-spread, spread)
            assign_block(table.value, start, draw((end - start, dimension)))
        return table
