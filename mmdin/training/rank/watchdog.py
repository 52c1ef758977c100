"""A watchdog that ends training when it hangs."""

import threading
import time
from collections.abc import Callable


class Watchdog:
    """Calls a function from its own thread when there was no heartbeat for too long.

    A rank that hangs blocks all others in the exchange of gradients, without end.

    Use it as a context, and call `beat` after every step.

    Args:
        seconds: longest time without a heartbeat.
        end: called with the seconds since the last heartbeat; ends the process.
    """

    def __init__(self, seconds: float, end: Callable[[float], None]) -> None:
        self._seconds, self._end = seconds, end
        self._last_beat = time.monotonic()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def beat(self) -> None:
        """Record that training makes progress."""
        self._last_beat = time.monotonic()

    def __enter__(self) -> "Watchdog":
        self.beat()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(min(1.0, self._seconds / 4)):
            silence = time.monotonic() - self._last_beat
            if silence > self._seconds:
                self._end(silence)
                return
