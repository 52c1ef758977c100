"""Training that stands still is ended, and one that moves is not."""

import time

from mmdin.training.rank.watchdog import Watchdog


def test_silence_ends_it_and_beats_do_not() -> None:
    ended: list[float] = []
    with Watchdog(0.4, ended.append) as watchdog:
        for _ in range(8):
            time.sleep(0.1)
            watchdog.beat()
        assert not ended
        time.sleep(0.9)
    assert len(ended) == 1
    assert 0.4 < ended[0] < 0.9


def test_nothing_is_ended_after_the_context() -> None:
    ended: list[float] = []
    with Watchdog(0.2, ended.append):
        pass
    time.sleep(0.5)
    assert not ended
