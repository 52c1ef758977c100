"""An end to training that stands still."""

import threading
import time
from collections.abc import Callable


class Watchdog:
    """Calls `end` from a thread of its own where nothing was heard for too long.

    A rank that hangs makes all others wait for it in the exchange of gradients, for ever.

    Args:
        seconds: longest silence.
        end: takes the seconds of silence, and ends the process.

    Use as a context; call `beat` whenever a step is done.
    """

    def __init__(self, seconds: float, end: Callable[[float], None]) -> None:
        self._seconds, self._end = seconds, end
        self._heard_at = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def beat(self) -> None:
        """Take note that training moves."""
        self._heard_at = time.monotonic()

    def __enter__(self) -> "Watchdog":
        self.beat()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(min(1.0, self._seconds / 4)):
            silence = time.monotonic() - self._heard_at
            if silence > self._seconds:
                self._end(silence)
                return
