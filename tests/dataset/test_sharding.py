from hypothesis import given
from hypothesis import strategies as st

from mmdin.dataset.sharding import assign_files, count_rows, count_steps
from mmdin.tables import DataFile

FILES = st.lists(st.integers(1, 10_000), min_size=1, max_size=40).map(
    lambda rows: [DataFile(f"file:///{n}", r) for n, r in enumerate(rows)]
)


@given(files=FILES, ranks=st.integers(1, 6), epoch=st.integers(1, 50))
def test_every_file_goes_to_exactly_one_rank(files: list[DataFile], ranks: int, epoch: int) -> None:
    assigned = assign_files(files, ranks, seed=1, epoch=epoch)
    assert len(assigned) == ranks
    flat = [f for of_rank in assigned for f in of_rank]
    assert sorted(flat, key=lambda f: f.url) == sorted(files, key=lambda f: f.url)


@given(files=FILES, ranks=st.integers(1, 6))
def test_ranks_differ_by_no_more_than_the_largest_file(files: list[DataFile], ranks: int) -> None:
    rows = [count_rows(of_rank) for of_rank in assign_files(files, ranks, seed=1, epoch=1)]
    assert max(rows) - min(rows) <= max(f.rows for f in files)


@given(files=FILES, ranks=st.integers(1, 6), batch_size=st.integers(1, 500))
def test_steps_are_enough_for_every_rank(
    files: list[DataFile], ranks: int, batch_size: int
) -> None:
    assigned = assign_files(files, ranks, seed=1, epoch=1)
    steps = count_steps(assigned, batch_size)
    assert all(count_rows(of_rank) <= steps * batch_size for of_rank in assigned)
    assert any(count_rows(of_rank) > (steps - 1) * batch_size for of_rank in assigned)


def test_order_differs_between_epochs_and_is_reproducible() -> None:
    files = [DataFile(str(n), 10) for n in range(12)]
    first = assign_files(files, 2, seed=1, epoch=1)
    assert first == assign_files(files, 2, seed=1, epoch=1)
    assert first != assign_files(files, 2, seed=1, epoch=2)
    assert first != assign_files(files, 2, seed=2, epoch=1)
