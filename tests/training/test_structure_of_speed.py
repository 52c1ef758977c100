"""What makes training fast, as structure that can be counted; benchmarks/ measures the times."""

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from one_rank import OneRank
from petastorm.reader import Reader
from samples_files import SIZES, SMALL, make_assignment

from mmdin.config import MODEL_NAMES, Training
from mmdin.dataset.batches import TARGETS
from mmdin.inputs import INPUTS, NUMBERS
from mmdin.models import build_network
from mmdin.storage import local_folder
from mmdin.tables import DataFile
from mmdin.training.rank.data import RankData
from mmdin.training.rank.step import TrainingStep

ROWS, USERS, STEPS = 20, 5003, 3


class CountingRank(OneRank):
    """The only rank; counts the exchanges of a traced step."""

    def __init__(self) -> None:
        super().__init__()
        self.exchanges = 0

    def allreduce_sum(self, tensors):
        self.exchanges += 1
        return super().allreduce_sum(tensors)


@dataclass
class Traced:
    """What some steps did: exchanges and Python calls of the network, and sources of gradients."""

    exchanges: int
    scorings: int
    sources: list[tuple[int, ...]]
    table_rows: int


@pytest.fixture(params=MODEL_NAMES, scope="module")
def traced(request: pytest.FixtureRequest) -> Traced:
    """Several steps of each network."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(5)
    network = build_network(request.param, SMALL, {**SIZES, "user": USERS})
    sources, scorings, ranks = [], [], CountingRank()
    gradient, score = tf.GradientTape.gradient, network.score

    def record_sources(tape, target, of, *arguments, **options):
        sources.extend(tuple(source.shape) for source in tf.nest.flatten(of))
        return gradient(tape, target, of, *arguments, **options)

    def record_scoring(*arguments, **options):
        scorings.append(arguments)
        return score(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tf.GradientTape, "gradient", record_sources)
        patch.setattr(network, "score", record_scoring)
        step = TrainingStep(network, Training(), ranks)
        generator = np.random.default_rng(1)
        taken = len(network.inputs_taken) + len(network.numbers_taken)
        width = len(TARGETS) + taken + 1
        for _ in range(STEPS):
            step(tf.constant(generator.integers(0, 2, (ROWS, width), np.int32)))
    return Traced(ranks.exchanges, len(scorings), sources, network.table.table.shape[0])


def test_a_step_is_one_exchange(traced: Traced) -> None:
    assert traced.exchanges == 1


def test_steps_run_no_python_of_the_network_once_traced(traced: Traced) -> None:
    assert traced.scorings == 1


def test_no_gradient_is_of_the_whole_table(traced: Traced) -> None:
    assert traced.table_rows > USERS
    assert traced.sources
    assert all(traced.table_rows not in shape for shape in traced.sources)


def write_row_groups(folder: Path, groups: int, rows: int) -> list[DataFile]:
    integers = (*TARGETS, *(i.column for i in INPUTS))
    columns = {c: np.ones(groups * rows, np.int32) for c in integers}
    columns |= {n.column: np.ones(groups * rows) for n in NUMBERS}
    path = folder / f"{rows}.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=rows)
    return [DataFile(path.as_uri(), groups * rows)] * 3


@pytest.mark.parametrize("rows", [10, 1000])
def test_reading_runs_python_for_each_row_group_however_many_rows_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    groups, reads = 4, []
    following = Reader.__next__

    def record_read(reader):
        reads.append(reader)
        return following(reader)

    monkeypatch.setattr(Reader, "__next__", record_read)
    # The last file is for validation; the two others are the same.
    assignment = make_assignment(tmp_path, "one", write_row_groups(tmp_path, groups, rows))
    network = build_network("din", SMALL, SIZES)
    data = RankData(assignment, OneRank(), network, local_folder("").files)
    with data.training(1) as batches:
        weights = [np.asarray(batch)[:, -1].sum() for batch in batches]
    assert sum(weights) == 2 * groups * rows
    # The last read of the two files finds their end.
    assert len(reads) == 2 * groups + 1
