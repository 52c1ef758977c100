"""Tables of large vocabularies, updated by rows, against one table, updated as a whole."""

from pathlib import Path

import keras
import numpy as np
import pytest
import stopping
import tensorflow as tf
from one_rank import OneRank
from samples_files import folder_of, make_assignment, write_samples

from mmdin.config import MODEL_NAMES, Networks, Training
from mmdin.dataset.batches import TARGETS
from mmdin.errors import TableError
from mmdin.inputs import INPUTS
from mmdin.models import build_network, embedding
from mmdin.models.checkpoint import load_network, save_network
from mmdin.models.network import RatingNetwork
from mmdin.storage import blocks, local_folder
from mmdin.training.rank import checkpointing
from mmdin.training.rank.adam import Adam, LazyAdam
from mmdin.training.rank.rows import RowGradients, sum_by_row, sum_over_ranks
from mmdin.training.rank.step import TrainingStep, penalty_weights
from mmdin.training.state import Values

SIZES = {i.vocabulary: 8 for i in INPUTS} | {"user": 40, "movie": 30}
NETWORKS = Networks(
    embedding_size=4,
    hidden_units=(8,),
    attention_units=(4,),
    width=8,
    heads=1,
    blocks=1,
    dropout=0,
    interest_dropout=0,
    identity_dropout=0.1,
)
TRAINING = Training(learning_rate=0.01, factor_learning_rate=0.1)


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Users and movies are large vocabularies, and blocks have three rows of 4 numbers or less."""
    monkeypatch.setattr(embedding, "LARGE", 30)
    monkeypatch.setattr(blocks, "_BLOCK_BYTES", 50)
    return monkeypatch


def build(model: str, **sizes: object) -> RatingNetwork:
    keras.utils.set_random_seed(5)
    networks = NETWORKS.model_copy(update=sizes)
    return build_network(model, networks, SIZES, **penalty_weights(TRAINING, 1000))


def build_both(
    model: str, large: pytest.MonkeyPatch, folder: Path, **sizes: object
) -> list[RatingNetwork]:
    """A network with separate tables for users and movies, and one of the same weights in one.

    The second reads the file of the first, which has one table either way.
    """
    by_rows = build(model, **sizes)
    assert set(by_rows.table.large) == {"user", "movie"}
    with large.context() as patch:
        patch.setattr(embedding, "LARGE", 1000)
        dense = build(model, **sizes)
    assert not dense.table.large
    by_rows.save_weights(folder / "all.weights.h5")
    dense.load_weights(folder / "all.weights.h5")
    for one, other in zip(
        dense.non_trainable_variables, by_rows.non_trainable_variables, strict=True
    ):
        one.assign(other)
    return [by_rows, dense]


def all_rows(network: RatingNetwork) -> np.ndarray:
    """The rows of all vocabularies in their order, as in one table."""
    table, rows = network.table, []
    for vocabulary in sorted({i.vocabulary for i in network.inputs_looked_up}):
        if vocabulary in table.large:
            rows.append(np.asarray(table.large[vocabulary]))
        else:
            rows.append(np.asarray(table.table)[table.is_row_of([vocabulary])])
    return np.concatenate(rows)


def other_weights(network: RatingNetwork) -> list[np.ndarray]:
    of_tables = {id(v) for v in network.table.variables}
    return [np.asarray(v) for v in network.trainable_variables if id(v) not in of_tables]


def make_batch(network: RatingNetwork, rows: int, seed: int, everyone: bool = False) -> tf.Tensor:
    """Some users and movies, many of them often; or each user and movie at least once."""
    generator = np.random.default_rng(seed)
    inputs = [generator.integers(0, SIZES[i.vocabulary], rows) for i in network.inputs_taken]
    for place, size in enumerate((SIZES["user"], SIZES["movie"])):
        inputs[place] = np.arange(rows) % size if everyone else inputs[place] // 2
    numbers = generator.normal(size=(rows, len(network.numbers_taken))).astype(np.float32)
    half_stars = generator.integers(1, 11, rows)
    columns = [half_stars >= 7, half_stars, *inputs, *numbers.view(np.int32).T, np.ones(rows)]
    batch = np.stack(columns, axis=1).astype(np.int32)
    if not everyone:
        # As padding is, but it would also look up the first row.
        batch[-3:, -1], batch[-3:, len(TARGETS)] = 0, SIZES["user"] - 1
    return tf.constant(batch)


def train(network: RatingNetwork, batches: list[tf.Tensor], xla: bool = False) -> TrainingStep:
    step = TrainingStep(network, TRAINING, OneRank(), xla)
    for batch in batches:
        step(batch)
    return step


def assert_equal_weights(one: RatingNetwork, other: RatingNetwork, of_rows: float) -> None:
    np.testing.assert_allclose(all_rows(one), all_rows(other), rtol=0, atol=of_rows)
    for mine, others in zip(other_weights(one), other_weights(other), strict=True):
        np.testing.assert_allclose(mine, others, atol=2e-5)


@pytest.mark.parametrize(("model", "xla"), [("din", False), ("mmdin", True)])
def test_factors_learn_by_rows_as_in_one_table(
    model: str, xla: bool, large: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Rows that several samples look up, or histories, or padding alone, or none."""
    by_rows, dense = build_both(model, large, tmp_path)
    first = np.asarray(by_rows.table.large["user"])
    for network in (by_rows, dense):
        train(network, [make_batch(network, 50, seed) for seed in range(4)], xla)
    # XLA adds numbers in another order, if it is given them in another.
    assert_equal_weights(by_rows, dense, of_rows=2e-6 if xla else 1e-8)
    moved = np.abs(np.asarray(by_rows.table.large["user"]) - first).max(axis=1)
    assert moved[: SIZES["user"] // 2].min() > 0
    assert moved[SIZES["user"] // 2 :].max() == 0


@pytest.mark.parametrize("model", ["neural_cf", "embedding_mlp", "deepfm"])
def test_rows_that_every_batch_looks_up_learn_by_lazy_adam_as_by_adam(
    model: str, large: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    by_rows, dense = build_both(model, large, tmp_path, identity_dropout=0)
    first = all_rows(by_rows)
    for network in (by_rows, dense):
        train(network, [make_batch(network, 80, seed, everyone=True) for seed in range(5)])
    assert_equal_weights(by_rows, dense, of_rows=2e-5)
    assert np.abs(all_rows(by_rows) - first).max(axis=1).min() > 0


def test_lazy_adam_leaves_moments_of_rows_that_are_not_looked_up() -> None:
    """The row of both steps learns as by Adam; the row of the first moves on by Adam alone."""
    first = np.arange(8, dtype=np.float32).reshape(4, 2)
    lazy, dense = keras.Variable(first), keras.Variable(first)
    of_lazy, of_dense = Adam([], 0.1), Adam([dense], 0.1)
    update = LazyAdam(lazy.value, of_lazy)
    # Rows 0 and 1 in the first step, row 0 and, by padding alone, row 2 in the second.
    steps = [([0, 1], [1.0, 1.0], [4.0, -8.0]), ([0, 2], [2.0, 0.0], [2.0, 0.0])]
    for rows, lookups, gradients in steps:
        by_row = np.repeat(np.array(gradients, np.float32)[:, None], 2, axis=1)
        of_table = np.zeros_like(first)
        of_table[rows] = by_row
        of_lazy.apply([])
        update.apply(
            RowGradients(tf.constant(rows), tf.constant(by_row), tf.constant(lookups)), 2.0
        )
        of_dense.apply([tf.constant(of_table / 2)])
        before = np.asarray(lazy), np.asarray(dense)
        if rows == [0, 1]:
            np.testing.assert_allclose(*before, atol=1e-6)
            after_first = before[0]
    lazily, densely = np.asarray(lazy), np.asarray(dense)
    np.testing.assert_allclose(lazily[0], densely[0], atol=1e-6)
    np.testing.assert_array_equal(lazily[1], after_first[1])
    assert (densely[1] > after_first[1] + 0.05).all()
    np.testing.assert_array_equal(lazily[2:], first[2:])
    means, squares = (np.asarray(v) for v in update.state)
    np.testing.assert_allclose(means[1], 0.1 * -4, rtol=1e-5)
    np.testing.assert_allclose(squares[1], 0.001 * 16, rtol=1e-4)


class TwoAlike(OneRank):
    """The first of two ranks, whose batches are the same but for the order of their rows."""

    size = 2

    def allgather_rows(self, tensors):
        return [tf.concat([t, t[::-1]], axis=0) for t in tensors]


def test_rows_of_ranks_are_summed_once_each() -> None:
    numbers = tf.constant([[3, 1], [3, 7]])
    gradients = tf.reshape(tf.range(8.0), [2, 2, 2])
    lookups = tf.constant([[1.0, 0.0], [1.0, 1.0]])
    summed = sum_by_row(numbers, gradients, lookups)
    assert np.asarray(summed.numbers).tolist() == [3, 1, 7]
    assert np.asarray(summed.gradients).tolist() == [[4, 6], [2, 3], [6, 7]]
    assert np.asarray(summed.lookups).tolist() == [2, 0, 1]
    ((numbers, gradients, lookups),) = sum_over_ranks([summed], TwoAlike())
    assert np.asarray(numbers).tolist() == [3, 1, 7]
    assert np.asarray(gradients).tolist() == [[8, 12], [4, 6], [12, 14]]
    assert np.asarray(lookups).tolist() == [4, 0, 2]


@pytest.mark.parametrize("model", MODEL_NAMES)
def test_nothing_of_a_step_is_as_long_as_a_large_table(
    model: str, large: pytest.MonkeyPatch
) -> None:
    """Neither what ranks exchange nor what is computed, apart from the variables themselves."""
    large.setitem(SIZES, "user", 5003)
    network = build(model, factorization=model == "din")
    step = TrainingStep(network, TRAINING, OneRank())
    graph = step.__call__.get_concrete_function(make_batch(network, 50, 1)).graph
    functions = [graph, *(f.graph for f in graph._functions.values() if hasattr(f, "graph"))]
    shapes = {
        tuple(t.shape)
        for g in functions
        for o in g.get_operations()
        for t in o.outputs
        if t.shape.rank
    }
    assert (50, 1, network.table.table.shape[1]) in shapes
    assert not [shape for shape in shapes if 5003 in shape]


def test_large_tables_and_their_moments_are_saved_by_blocks_and_resumed(
    large: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Here all vocabularies are large."""
    large.setattr(embedding, "LARGE", 8)
    files = write_samples(tmp_path)
    whole, stopped = (
        make_assignment(tmp_path, name, files, "neural_cf", epochs=3)
        for name in ("whole", "stopped")
    )
    expected, leave = stopping.train(whole), checkpointing.write_state
    longest = []

    def measure_blocks(folder, state, variables) -> None:
        values = [Values(v.shape, v.dtype, list(v.blocks)) for v in variables]
        longest.append(max(b.size for v in values if v.shape == (8, 8) for b in v.blocks))
        leave(folder, state, values)

    with large.context() as patch:
        patch.setattr(checkpointing, "write_state", measure_blocks)
        stopping.train_until(stopped, epoch=2)
    assert set(longest) == {8}
    resumed = stopping.train(stopped)
    losses = [[e.validation_loss for e in result.epochs] for result in (resumed, expected)]
    np.testing.assert_allclose(*losses, rtol=1e-5)
    assert resumed.resumed_after == (2,)
    mine, others = (load_network(folder_of(a)) for a in (stopped, whole))
    assert len(mine.table.large) == len({i.vocabulary for i in mine.inputs_looked_up})
    assert_equal_weights(mine, others, of_rows=1e-5)


def test_weights_of_another_number_of_users_are_refused(
    large: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    save_network(local_folder(tmp_path), build("neural_cf"))
    description = tmp_path / "network.json"
    description.write_text(description.read_text().replace('"user": 40', '"user": 41'))
    with pytest.raises(TableError, match="another version of mmdin saved it: train again"):
        load_network(local_folder(tmp_path))
