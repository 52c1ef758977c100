"""The weight of the network, on lists that were ordered by hand."""

import math

import numpy as np
import pyarrow as pa
import pytest

from mmdin.recommendation.reranking import WEIGHTS, Candidates, ndcg_by_weight

TOP = 4


@pytest.fixture
def table() -> pa.Table:
    """Candidates of five users in any order, some equal by score, some users with few."""
    generator = np.random.default_rng(6)
    rows = []
    for user, count in enumerate((12, 3, 9, 1, 7)):
        for movie in range(count):
            scores = generator.integers(-3, 4, 2) / 2
            rows.append((user * 5, movie, *scores, 2 + user, float(generator.random() < 0.3)))
    generator.shuffle(rows)
    names = ["user_id", "movie_id", "candidate_z", "network_z", "relevant", "gain"]
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows])


def slow_ndcg(table: pa.Table, weight: float) -> float:
    users: dict[int, list[dict[str, float]]] = {}
    for row in table.to_pylist():
        users.setdefault(row["user_id"], []).append(row)
    reached = []
    for rows in users.values():

        def place(row: dict[str, float]) -> tuple[float, float, float]:
            value = (1 - weight) * row["candidate_z"] + weight * row["network_z"]
            return -value, -row["candidate_z"], row["movie_id"]

        listed = sorted(rows, key=place)[:TOP]
        gain = sum(row["gain"] / math.log2(n + 2) for n, row in enumerate(listed))
        best = min(TOP, int(rows[0]["relevant"]))
        reached.append(gain / sum(1 / math.log2(n + 2) for n in range(best)))
    return float(np.mean(reached))


def test_ndcg_of_every_weight_equals_that_of_sorted_lists(table: pa.Table) -> None:
    reached = ndcg_by_weight(Candidates.of(table), TOP)
    assert list(reached) == list(WEIGHTS)
    for weight, ndcg in reached.items():
        assert ndcg == pytest.approx(slow_ndcg(table, weight), abs=1e-12), weight
    assert len(set(reached.values())) > 3
