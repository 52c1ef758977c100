"""Horovod: processes on Spark tasks, and what they tell one another.

The only module that knows Horovod.
"""

import logging
import os
import re
import shutil
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

import horovod.runner.gloo_run
import horovod.spark
import numpy as np
from pyspark.sql import SparkSession

from mmdin.errors import MmdinError

if TYPE_CHECKING:
    import tensorflow as tf

log = logging.getLogger(__name__)

_OWN_ERROR = "mmdin: rank's own error: "
"""Begins what a rank writes to standard error before it ends because of itself."""

_LAST_WORDS = 5.0
"""Seconds from a rank's own error until all ranks are ended."""

_PREFIX = re.compile(r"^.*?\[\d+\]<std(?:out|err)>:")


class TrainingFailedError(MmdinError):
    """Training ended before its end; the message holds what each rank said of its own error."""


class RankLostError(TrainingFailedError):
    """A rank ended without an error of its own: it, or what it ran on, was killed.

    The message holds the last lines that ranks printed.
    """


class Ranks:
    """The ranks of this training, seen from one of them.

    rank: this one's number; size: how many there are; host: name of this one's host; local_rank:
    this one's number among those of its host; gpu_addresses: of the GPUs that Spark assigned to
    this rank's task.

    Args:
        cycle: milliseconds between looks whether all ranks have something to exchange.
    """

    def __init__(self, cycle: float) -> None:
        # Here and not above, since the driver imports this module and needs no TensorFlow.
        import horovod.tensorflow as hvd
        from horovod.spark.task import get_available_devices

        os.environ["HOROVOD_CYCLE_TIME"] = str(cycle)
        hvd.init()
        self._hvd = hvd
        self.rank: int = hvd.rank()
        self.size: int = hvd.size()
        self.local_rank: int = hvd.local_rank()
        self.host = socket.gethostname()
        self.gpu_addresses: list[str] = get_available_devices() or []

    def sum(self, tensors: "Sequence[tf.Tensor]") -> "list[tf.Tensor]":
        """Each tensor's sum over ranks; every rank gives tensors of the same shapes."""
        return list(self._hvd.grouped_allreduce(list(tensors), op=self._hvd.Sum))

    def gather(self, values: np.ndarray) -> np.ndarray:
        """All ranks' values below one another, the same on every rank."""
        return np.asarray(self._hvd.allgather(values))

    def gather_objects(self, value: Any) -> list[Any]:
        """All ranks' values, in order of rank, on every rank."""
        return list(self._hvd.allgather_object(value))

    def share(self, value: Any) -> Any:
        """Rank 0's value, on every rank."""
        return self._hvd.broadcast_object(value, root_rank=0)

    def give_up(self, message: str) -> None:
        """End this rank's process at once, whatever it waits for, with a message to the driver."""
        _say_own_error(f"rank {self.rank} on {self.host}: {message}")
        os._exit(1)

    def broadcast(self, variables: "Sequence[tf.Variable]") -> None:
        """Give every rank the variables' values of rank 0."""
        self._hvd.broadcast_variables(variables, root_rank=0)


def run_on_ranks(
    spark: SparkSession,
    function: Callable[..., Any],
    arguments: Sequence[Any],
    ranks: int,
    start_timeout: int = 600,
) -> list[Any]:
    """Call function(*arguments) in one process per rank, each in a Spark task of its own.

    What ranks print appears on the driver's console. Returns the results in order of rank.

    Args:
        start_timeout: seconds within which all tasks must have started.

    Raises TrainingFailedError where a rank fails by an error of its own, and RankLostError where
    one is gone.
    """
    abort = threading.Event()
    console, errors = _Console(), _Errors(abort)
    try:
        with _printing_at_once(), _ending_on(abort):
            results = horovod.spark.run(
                _call,
                args=(function, tuple(arguments)),
                num_proc=ranks,
                use_gloo=True,
                start_timeout=start_timeout,
                stdout=console,
                stderr=errors,
                verbose=0,
                # Executors have their Python elsewhere than the driver, as in an archive.
                executable=spark.sparkContext.pythonExec,
            )
        return list(results)
    except Exception as error:
        if errors.own:
            raise TrainingFailedError(f"a rank failed: {'; '.join(errors.own)}") from error
        said = "\n".join(["", *errors.lines[-30:]])
        raise RankLostError(f"a rank was lost: {error}{said}") from error
    finally:
        # What Horovod started to end ranks waits for this.
        abort.set()


def _call(function: Callable[..., Any], arguments: Sequence[Any]) -> Any:
    """Call the function in a rank's process, and tell the driver of an error of this rank's own."""
    try:
        return function(*arguments)
    except Exception as error:
        if not _is_of_another_rank(error):
            name = "" if isinstance(error, MmdinError) else f"{type(error).__name__}: "
            _say_own_error(f"{name}{error}")
        raise


def _is_of_another_rank(error: Exception) -> bool:
    """Whether a rank ends for another's sake: the exchange with one that is gone fails."""
    library = type(error).__module__.split(".")[0]
    return library in ("horovod", "tensorflow") and "Horovod" in f"{type(error)} {error}"


def _say_own_error(message: str) -> None:
    print(f"{_OWN_ERROR}{' '.join(message.split())}", file=sys.stderr, flush=True)


def _printing_at_once() -> AbstractContextManager[None]:
    """Show what ranks print when they print it.

    Horovod's driver copies it with shutil.copyfileobj, which waits until its buffer of 64 KiB is
    full: hours of epochs would appear at once, at the end.
    """
    return _replaced(shutil, "COPY_BUFSIZE", 1)


def _ending_on(abort: threading.Event) -> AbstractContextManager[None]:
    """End every rank once the event is set.

    Horovod's driver waits for all ranks, also for one that hangs when the others have failed, and
    ends them only on its own process's SIGINT and SIGTERM, whose handlers it leaves behind.
    """
    return _replaced(horovod.runner.gloo_run, "register_shutdown_event", lambda: abort)


@contextmanager
def _replaced(library: ModuleType, name: str, value: Any) -> Iterator[None]:
    """Give a library's name another value until the context is left."""
    usual = getattr(library, name)
    setattr(library, name, value)
    try:
        yield
    finally:
        setattr(library, name, usual)


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
    """Keeps what ranks write to standard error, to be shown if one of them fails.

    lines: the last ones; own: ranks' own errors, each once. Sets the event some seconds after the
    first of these, in which other ranks can say theirs.
    """

    def __init__(self, abort: threading.Event) -> None:
        super().__init__()
        self._abort = abort
        self.lines: list[str] = []
        self.own: list[str] = []

    def _take(self, line: str) -> None:
        self.lines.append(line)
        del self.lines[:-200]
        said = line.removeprefix(_OWN_ERROR)
        if said != line and said not in self.own:
            self.own.append(said)
            soon = threading.Timer(_LAST_WORDS, self._abort.set)
            soon.daemon = True
            soon.start()
