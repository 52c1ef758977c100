"""Changes to Horovod's driver that none of its settings makes.

Each replaces a name inside a library for as long as ranks run. That works only as long as Horovod
uses the name as the version below does, so any other version is refused.
"""

import functools
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import horovod
import horovod.runner.gloo_run
import horovod.runner.launch
import horovod.spark.runner

from mmdin.errors import ClusterError

PATCHED_VERSION = "0.28.1"
"""The version of Horovod whose driver these patches were written for and tested with."""

_SECONDS_TO_ASK = 0.5
"""How long a Spark task waits after its rank's end, so that the driver can ask for the status."""


@contextmanager
def patched_driver(abort: threading.Event) -> Iterator[None]:
    """Patch Horovod's driver until the context is left.

    The driver then starts ranks sooner, prints each of their lines at once, and ends every rank
    when the event is set.

    Args:
        abort: ends every rank.

    Raises:
        ClusterError: the installed Horovod is not PATCHED_VERSION.
    """
    _check_version()
    with (
        # Horovod copies the ranks' output with shutil.copyfileobj, which waits until its buffer of
        # 64 KiB is full: hours of epochs would appear at once, at the end.
        _replaced(shutil, "COPY_BUFSIZE", 1),
        # Horovod waits for all ranks, even for one that hangs after the others have failed. It ends
        # them only on the driver's SIGINT and SIGTERM, and leaves its handlers installed.
        _replaced(horovod.runner.gloo_run, "register_shutdown_event", lambda: abort),
        # Horovod loads TensorFlow in a process of the driver's, which takes 4 s, to learn that it
        # was built with Gloo. Set-up builds it so.
        _replaced(horovod.runner.launch, "gloo_built", lambda verbose: True),
        _replaced(horovod.spark.runner, "_make_mapper", _make_mapper),
    ):
        yield


def _make_mapper(
    addresses: Any, settings: Any, use_gloo: bool, is_elastic: bool
) -> Callable[[int, Any], Iterator[Any]]:
    """Horovod's function of Spark's tasks, which end soon after their ranks.

    Horovod's own wait 3 s, so that the driver can ask for a rank's status that ended at once.
    """
    # The key is apart from the settings, which leave it out when they are sent.
    return functools.partial(_run_task, addresses, settings.key, settings, use_gloo, is_elastic)


def _run_task(
    addresses: Any, key: Any, settings: Any, use_gloo: bool, is_elastic: bool, index: int, _: Any
) -> Iterator[Any]:
    horovod.spark.runner.MINIMUM_COMMAND_LIFETIME_S = _SECONDS_TO_ASK
    yield horovod.spark.runner._task_fn(index, addresses, key, settings, use_gloo, is_elastic)


def _check_version() -> None:
    if horovod.__version__ != PATCHED_VERSION:
        raise ClusterError(
            f"Horovod {horovod.__version__} is installed, and training patches the driver of "
            f"Horovod {PATCHED_VERSION}: install horovod=={PATCHED_VERSION}, or check "
            "mmdin/training/horovod_patches.py against the other version and change its number"
        )


@contextmanager
def _replaced(library: ModuleType, name: str, value: Any) -> Iterator[None]:
    original = getattr(library, name)
    setattr(library, name, value)
    try:
        yield
    finally:
        setattr(library, name, original)
