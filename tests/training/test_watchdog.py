"""Training that hangs is ended, and training that moves is not. The tests set the clock."""

import threading

import pytest

from mmdin.training.rank import watchdog
from mmdin.training.rank.watchdog import Watchdog

PATIENCE = 60
"""Seconds of real time after which a test gives up; nothing is measured."""


class Clock:
    """The time that the watchdog sees. `looks` counts how often it was asked for."""

    def __init__(self) -> None:
        self.now = 0.0
        self.looks = 0
        self._looked = threading.Condition()

    def monotonic(self) -> float:
        with self._looked:
            self.looks += 1
            self._looked.notify_all()
            return self.now

    def wait_for_looks(self, number: int) -> None:
        """Wait until the time was asked for `number` times from now on."""
        with self._looked:
            wanted = self.looks + number
            assert self._looked.wait_for(lambda: self.looks >= wanted, PATIENCE)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(watchdog, "time", clock)
    return clock


def test_silence_ends_it_and_beats_do_not(clock: Clock) -> None:
    ended: list[float] = []
    called = threading.Event()

    def end(silence: float) -> None:
        ended.append(silence)
        called.set()

    with Watchdog(0.04, end) as watched:
        for _ in range(5):
            clock.now += 0.03
            watched.beat()
            clock.wait_for_looks(2)
        assert not ended
        clock.now += 0.05
        assert called.wait(PATIENCE)
    assert ended == [pytest.approx(0.05)]


def test_nothing_is_ended_after_the_context(clock: Clock) -> None:
    ended: list[float] = []
    before = set(threading.enumerate())
    with Watchdog(0.04, ended.append):
        pass
    clock.now += 1
    # Those of other tests may end meanwhile.
    assert set(threading.enumerate()) <= before
    assert not ended
