"""Ctrl-C in a process that drives Spark."""

import logging
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from pyspark.sql import SparkSession

from mmdin.errors import INTERRUPTED

_PATIENCE = 10.0
"""Seconds for Spark to cancel its jobs."""


class Interruption:
    """What Ctrl-C does: it cancels Spark's jobs and raises KeyboardInterrupt.

    The error that arrives can be another one, such as a library's own about its connection:
    `happened` tells why. Ctrl-C again, before `happened` is taken back, ends the process at once.

    Args:
        ends_process: whether all that the process does afterwards is to save and stop. Then the
            JVM, and the executors in it, make no complaints about what is cancelled.
    """

    def __init__(self, ends_process: bool = True) -> None:
        self.happened = False
        self._ends_process = ends_process
        self._quiet = False
        self._spark: SparkSession | None = None
        self._before = signal.getsignal(signal.SIGINT)

    def listen(self, spark: SparkSession | None = None) -> None:
        """Begin to listen, also if Ctrl-C was ignored while the process loaded.

        Args:
            spark: session whose jobs are cancelled. PySpark's own handler, which it sets when a
                session is opened, sends its command in the middle of another one.
        """
        self._spark = spark
        signal.signal(signal.SIGINT, self._stop)

    def forget(self) -> None:
        """Do again on Ctrl-C what was done before."""
        signal.signal(signal.SIGINT, self._before)
        if self._quiet:
            logging.disable(logging.NOTSET)
            threading.excepthook = threading.__excepthook__

    def quietly(self, function: Callable[..., object], *arguments: object) -> None:
        """Call a function that may fail after an interruption."""
        try:
            function(*arguments)
        except Exception:
            if not self.happened:
                raise

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self.happened:
            os._exit(INTERRUPTED)
        self.happened = True
        self._quiet = True
        logging.disable()  # Py4J logs it as an error
        threading.excepthook = lambda arguments: None
        if self._spark:
            _cancel_jobs(self._spark, silently=self._ends_process)
        raise KeyboardInterrupt


def _cancel_jobs(spark: Any, silently: bool) -> None:
    def cancel() -> None:
        if silently:
            spark._jvm.java.lang.System.err.close()
        spark.sparkContext.cancelAllJobs()

    # This thread may be in the middle of a command, whose answer the next one would take for its
    # own: another thread has another connection, and this one gets a new one.
    canceller = threading.Thread(target=cancel, daemon=True)
    canceller.start()
    canceller.join(_PATIENCE)
    client = spark._jvm._gateway_client
    connection = getattr(client, "get_thread_connection", lambda: None)()
    if connection is not None:
        connection.close()
