"""Petastorm's readers of Parquet files. The only module that knows Petastorm."""

import contextlib
import io
import warnings
from collections.abc import Iterator, Sequence

import tensorflow as tf

from mmdin.tables import DataFile

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Petastorm and PyArrow warn of each other's old interfaces
    from petastorm import make_batch_reader
    from petastorm.reader import Reader
    from petastorm.tf_utils import make_petastorm_dataset


@contextlib.contextmanager
def read_rows(
    files: Sequence[DataFile], columns: Sequence[str], seed: int
) -> Iterator[tf.data.Dataset]:
    """The files' rows, once, a row group at a time, as a dataset of int32 [rows, columns].

    Row groups come in an order drawn with the seed, which is the same each time it is used. The
    reader's threads end with the context.

    Args:
        files: at least one.
        columns: integer columns, in the order wanted.
        seed: 1 or more; Petastorm takes 0 for none.
    """
    with contextlib.ExitStack() as stack:
        # Petastorm warns of its own old interfaces, and prints that it has no cache to clean up.
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        reader = make_batch_reader(
            [f.url for f in files],
            schema_fields=[f"^{c}$" for c in columns],
            # Not Petastorm's pool of threads: where its queue runs empty at the wrong moment (seen
            # in half of the readings of small files) it takes that for the end, and rows are lost.
            # tf.data reads ahead in a thread of its own.
            reader_pool_type="dummy",
            num_epochs=1,
            shuffle_row_groups=True,
            seed=seed,
        )
        stack.callback(_close_quietly, reader)
        yield make_petastorm_dataset(reader).map(
            lambda chunk: tf.stack([tf.cast(getattr(chunk, c), tf.int32) for c in columns], axis=1)
        )


def _close_quietly(reader: Reader) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        reader.__exit__(None, None, None)
