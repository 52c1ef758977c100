"""Which GPU a rank takes, without one."""

import pytest

from mmdin.errors import ClusterError
from mmdin.training.rank.devices import choose_gpu


@pytest.mark.parametrize(
    ("addresses", "seen", "chosen"),
    [
        ([], [], None),
        ([], ["GPU:0", "GPU:1"], None),
        (["0"], ["GPU:0"], 0),
        (["1"], ["GPU:0", "GPU:1"], 1),
        (["3"], ["GPU:0"], 0),
        (["GPU-5c1f"], ["GPU:0"], 0),
    ],
)
def test_a_rank_takes_what_spark_assigned(addresses, seen, chosen) -> None:
    assert choose_gpu(addresses, seen) == chosen


@pytest.mark.parametrize(("addresses", "seen"), [(["0"], []), (["3"], ["GPU:0", "GPU:1"])])
def test_a_gpu_that_is_not_seen_is_an_error(addresses, seen) -> None:
    with pytest.raises(ClusterError, match=f"assigned GPU {addresses[0]}.*sees {len(seen)} GPUs"):
        choose_gpu(addresses, seen)
