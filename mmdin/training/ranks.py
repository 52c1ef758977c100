"""Ranks: Horovod processes in Spark tasks, and the communication between them.

With horovod_patches, the only module that imports Horovod.
"""

import logging
import os
import re
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import horovod.spark
import numpy as np
import numpy.typing as npt
from pyspark.sql import SparkSession

from mmdin.errors import ClusterError, MmdinError
from mmdin.training.horovod_patches import patched_driver

if TYPE_CHECKING:
    import tensorflow as tf

log = logging.getLogger(__name__)

_OWN_ERROR = "mmdin: rank's own error: "
"""Prefix of the line that a rank writes to standard error when it fails by its own fault."""

_SECONDS_FOR_OTHER_ERRORS = 5.0
"""Time from a rank's own error until all ranks are ended."""

_PREFIX = re.compile(r"^.*?\[\d+\]<std(?:out|err)>:")


class TrainingFailedError(MmdinError):
    """Training failed. The message holds each failed rank's own error."""


class RankLostError(TrainingFailedError):
    """A rank ended without its own error: it was killed, or its executor was.

    The message holds the last lines that ranks printed.
    """


class Communicator:
    """Horovod's collective operations, as one rank calls them. Every rank must call the same.

    Attributes:
        rank: number of this rank, from 0.
        size: number of ranks.
        local_rank: number of this rank among those of its host, from 0.
        host: name of this rank's host.
        gpu_addresses: addresses of the GPUs that Spark assigned to this rank's task.

    Args:
        cycle_ms: Horovod's cycle time, in milliseconds: how often it checks whether all ranks have
            something to exchange.
    """

    def __init__(self, cycle_ms: float) -> None:
        require_own_name()
        # The driver imports this module: TensorFlow is loaded here, on ranks only.
        import horovod.tensorflow as hvd
        from horovod.spark.task import get_available_devices

        os.environ["HOROVOD_CYCLE_TIME"] = str(cycle_ms)
        hvd.init()
        self._hvd = hvd
        self.rank: int = hvd.rank()
        self.size: int = hvd.size()
        self.local_rank: int = hvd.local_rank()
        self.host = socket.gethostname()
        self.gpu_addresses: list[str] = get_available_devices() or []

    def allreduce_sum(self, tensors: "Sequence[tf.Tensor]") -> "list[tf.Tensor]":
        """Return each tensor's sum over ranks; every rank gives tensors of the same shapes."""
        return list(self._hvd.grouped_allreduce(list(tensors), op=self._hvd.Sum))

    def allgather_rows(self, tensors: "Sequence[tf.Tensor]") -> "list[tf.Tensor]":
        """Return each tensor of all ranks, concatenated along the first axis in order of rank.

        The tensors are of one type. Ranks may give them in different lengths.
        """
        return list(self._hvd.grouped_allgather(list(tensors)))

    def allgather(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return all ranks' values, concatenated along the first axis in order of rank."""
        return np.asarray(self._hvd.allgather(values))

    def allgather_object(self, value: Any) -> list[Any]:
        """Return all ranks' objects in order of rank."""
        return list(self._hvd.allgather_object(value))

    def broadcast_object(self, value: Any) -> Any:
        """Return rank 0's object."""
        return self._hvd.broadcast_object(value, root_rank=0)

    def broadcast_variables(self, variables: "Sequence[tf.Variable]") -> None:
        """Assign rank 0's values to the variables of every rank."""
        self._hvd.broadcast_variables(variables, root_rank=0)

    def abort(self, message: str) -> None:
        """End this rank's process at once, even if it is blocked, and report the message."""
        _report_own_error(f"rank {self.rank} on {self.host}: {message}")
        os._exit(1)


def require_own_name() -> None:
    """Make sure that this node's name resolves on this node: otherwise Horovod crashes, wordless.

    Raises:
        ClusterError: if it does not.
    """
    name = socket.gethostname()
    try:
        socket.getaddrinfo(name, None)
    except OSError:
        raise ClusterError(
            f"the name of a node, {name}, does not resolve on that node, and Horovod needs it: add "
            "it with the node's address to the node's /etc/hosts"
        ) from None


def run_on_ranks(
    spark: SparkSession,
    function: Callable[..., Any],
    arguments: Sequence[Any],
    ranks: int,
    start_timeout: int = 600,
) -> list[Any]:
    """Call function(*arguments) in one process per rank, each in its own Spark task.

    What ranks print appears on the driver's console.

    Args:
        spark: session whose executors run the ranks.
        function: sent to each rank with its arguments by cloudpickle.
        arguments: the same for every rank.
        ranks: number of ranks.
        start_timeout: seconds within which all tasks must have started.

    Returns:
        The results in order of rank.

    Raises:
        ClusterError: the installed version of Horovod is not supported.
        TrainingFailedError: a rank failed by its own error.
        RankLostError: a rank was killed.
    """
    abort = threading.Event()
    console, errors = _Console(), _Errors(abort)
    with patched_driver(abort):
        try:
            results = horovod.spark.run(
                _call,
                args=(function, tuple(arguments)),
                num_proc=ranks,
                use_gloo=True,
                start_timeout=start_timeout,
                stdout=console,
                stderr=errors,
                verbose=0,
                # Executors may have their Python elsewhere than the driver, as in an archive.
                executable=spark.sparkContext.pythonExec,
            )
            return list(results)
        except Exception as error:
            raise errors.explain(error) from error
        finally:
            # Horovod's thread that ends ranks waits for this event.
            abort.set()


def _call(function: Callable[..., Any], arguments: Sequence[Any]) -> Any:
    """Call the function in a rank's process, and report an error of this rank's own."""
    try:
        return function(*arguments)
    except Exception as error:
        if not _was_caused_by_another_rank(error):
            name = "" if isinstance(error, MmdinError) else f"{type(error).__name__}: "
            _report_own_error(f"{name}{error}")
        raise


def _was_caused_by_another_rank(error: Exception) -> bool:
    """Return whether this is Horovod's error of a collective with a rank that is gone."""
    library = type(error).__module__.split(".")[0]
    return library in ("horovod", "tensorflow") and "Horovod" in f"{type(error)} {error}"


def _report_own_error(message: str) -> None:
    print(f"{_OWN_ERROR}{' '.join(message.split())}", file=sys.stderr, flush=True)


class _Console:
    """A text stream that logs each line without Horovod's prefix."""

    def __init__(self) -> None:
        self._rest = ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._take(_PREFIX.sub("", line).rstrip())
        return len(text)

    def flush(self) -> None:
        """Do nothing: each line is logged as soon as it ends."""

    def _take(self, line: str) -> None:
        if line:
            log.info(line)


class _Errors(_Console):
    """Collects what ranks write to standard error, to be shown if one of them fails.

    The first rank's own error starts a timer that ends all ranks. Until then, other ranks can
    report theirs.

    Args:
        abort: event that ends all ranks.
    """

    def __init__(self, abort: threading.Event) -> None:
        super().__init__()
        self._abort = abort
        self._last_lines: list[str] = []
        self._own_errors: list[str] = []

    def explain(self, error: Exception) -> TrainingFailedError:
        """Return what to raise in place of Horovod's error."""
        if self._own_errors:
            return TrainingFailedError(f"a rank failed: {'; '.join(self._own_errors)}")
        last_lines = "\n".join(["", *self._last_lines[-30:]])
        return RankLostError(f"a rank was lost: {error}{last_lines}")

    def _take(self, line: str) -> None:
        self._last_lines.append(line)
        del self._last_lines[:-200]
        own_error = line.removeprefix(_OWN_ERROR)
        if own_error != line and own_error not in self._own_errors:
            self._own_errors.append(own_error)
            timer = threading.Timer(_SECONDS_FOR_OTHER_ERRORS, self._abort.set)
            timer.daemon = True
            timer.start()
