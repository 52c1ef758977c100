"""Horovod: processes on Spark tasks, and what they tell one another.

The only module that knows Horovod.
"""

import contextlib
import logging
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import horovod.spark
import numpy as np
from pyspark.sql import SparkSession

from mmdin.errors import ClusterError, MmdinError

if TYPE_CHECKING:
    import tensorflow as tf

log = logging.getLogger(__name__)

_PREFIX = re.compile(r"^.*?\[\d+\]<std(?:out|err)>:")


class TrainingFailedError(MmdinError):
    """A rank ended with an error; the message holds the end of what it printed."""


class Ranks:
    """The ranks of this training, seen from one of them."""

    def __init__(self) -> None:
        # Here and not above, since the driver imports this module and needs no TensorFlow.
        import horovod.tensorflow as hvd

        hvd.init()
        self._hvd = hvd
        self.rank: int = hvd.rank()
        self.size: int = hvd.size()

    def sum(self, tensors: "Sequence[tf.Tensor]") -> "list[tf.Tensor]":
        """Each tensor's sum over ranks; every rank gives tensors of the same shapes."""
        return list(self._hvd.grouped_allreduce(list(tensors), op=self._hvd.Sum))

    def gather(self, values: np.ndarray) -> np.ndarray:
        """All ranks' values below one another, the same on every rank."""
        return np.asarray(self._hvd.allgather(values))

    def broadcast(self, variables: "Sequence[tf.Variable]") -> None:
        """Give every rank the variables' values of rank 0."""
        self._hvd.broadcast_variables(variables, root_rank=0)


def run_on_ranks(
    spark: SparkSession, function: Callable[..., Any], arguments: Sequence[Any], ranks: int
) -> list[Any]:
    """Call function(*arguments) in one process per rank, each in a Spark task of its own.

    What ranks print appears on the driver's console. Returns the results in order of rank.
    Raises ClusterError where Spark has fewer slots than ranks, TrainingFailedError where a rank
    fails.
    """
    slots = spark.sparkContext.defaultParallelism
    if slots < ranks:
        raise ClusterError(
            f"training.ranks={ranks} needs {ranks} task slots at once, and Spark has {slots}: "
            f"give it more cores or executors, or set training.ranks={slots}"
        )
    console, errors = _Console(), _Errors()
    try:
        with _printing_at_once():
            results = horovod.spark.run(
                function,
                args=tuple(arguments),
                num_proc=ranks,
                use_gloo=True,
                stdout=console,
                stderr=errors,
                verbose=0,
            )
        return list(results)
    except Exception as error:
        if not errors.lines:
            raise
        raise TrainingFailedError(
            f"a rank failed: {errors.last_error()}\n" + "\n".join(errors.lines[-30:])
        ) from error


@contextlib.contextmanager
def _printing_at_once() -> Iterator[None]:
    """Show what ranks print when they print it.

    Horovod's driver copies it with shutil.copyfileobj, which waits until its buffer of 64 KiB is
    full: hours of epochs would appear at once, at the end.
    """
    usual, shutil.COPY_BUFSIZE = shutil.COPY_BUFSIZE, 1  # type: ignore[attr-defined]
    try:
        yield
    finally:
        shutil.COPY_BUFSIZE = usual  # type: ignore[attr-defined]


class _Console:
    """A text stream that hands each line, without Horovod's prefix, to the project's log."""

    def __init__(self) -> None:
        self._rest = ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._take(_PREFIX.sub("", line).rstrip())
        return len(text)

    def flush(self) -> None:
        """Lines are handed on as soon as they end."""

    def _take(self, line: str) -> None:
        if line:
            log.info(line)


class _Errors(_Console):
    """Keeps what ranks write to standard error, to be shown if one of them fails."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def _take(self, line: str) -> None:
        self.lines.append(line)
        del self.lines[:-200]

    def last_error(self) -> str:
        """The last line that reads like an exception's, or the last line."""
        errors = [x for x in self.lines if re.match(r"^[\w.]*(Error|Exception|Interrupt)\b", x)]
        return (errors or self.lines)[-1]
