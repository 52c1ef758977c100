"""One embedding table for all inputs."""

from collections.abc import Collection, Mapping, Sequence

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from mmdin.inputs import Input


class FusedEmbedding(keras.layers.Layer):
    """Embeddings of every input, looked up at once.

    The vocabularies' rows follow one another in one matrix, so that a batch needs one gather for
    any number of inputs. Inputs of one vocabulary share its rows.

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
        table: the matrix, float32 [rows, dimension].
        starts: first row of each input's vocabulary, int32 [inputs].

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
        sizes = [vocabulary_sizes[v] for v in vocabularies]
        start_of = dict(zip(vocabularies, np.cumsum([0, *sizes[:-1]]), strict=True))
        self.starts = np.array([start_of[i.vocabulary] for i in inputs], dtype=np.int32)
        self._rows_of = {
            v: slice(start_of[v], start_of[v] + vocabulary_sizes[v]) for v in vocabularies
        }
        self.table = self.add_weight(
            shape=(int(sum(sizes)), dimension),
            initializer=keras.initializers.RandomUniform(-spread, spread),
            name="table",
        )

    def call(self, indices: tf.Tensor) -> tf.Tensor:
        return tf.gather(self.table.value, indices + self.starts)

    def is_row_of(self, vocabularies: Collection[str]) -> npt.NDArray[np.bool_]:
        """Return whether each row of the table belongs to the vocabularies: bool [rows]."""
        chosen = np.zeros(self.table.shape[0], dtype=bool)
        for vocabulary in vocabularies:
            chosen[self._rows_of[vocabulary]] = True
        return chosen
