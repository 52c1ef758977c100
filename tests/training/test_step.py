"""One step of training against NumPy."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from one_rank import OneRank

from mmdin.config import Networks, Training
from mmdin.dataset.batches import TARGETS, split_batch
from mmdin.inputs import INPUTS
from mmdin.models import build_network
from mmdin.models.genres import GenreEmbedding
from mmdin.models.interest import FACTOR_GROUPS
from mmdin.training.rank.factors import Factors
from mmdin.training.rank.objective import Objective
from mmdin.training.rank.step import TrainingStep, is_compiled, penalty_weights

SIZES = {i.vocabulary: 8 for i in INPUTS}
ROWS = 1000
NETWORKS = Networks(
    embedding_size=4,
    attention_units=(4,),
    width=8,
    blocks=1,
    dropout=0,
    interest_dropout=0,
    identity_dropout=0,
)


def make_batch(network, rows: int) -> np.ndarray:
    generator = np.random.default_rng(2)
    numbers = generator.normal(size=(rows, len(network.numbers_taken))).astype(np.float32)
    columns = [len(TARGETS) + len(network.inputs_taken), numbers.shape[1], 1]
    batch = generator.integers(1, 8, (rows, sum(columns)), np.int32)
    batch[:, columns[0] : -1] = numbers.view(np.int32)
    batch[:, 1] = generator.integers(1, 11, rows)
    batch[:, 0] = batch[:, 1] >= 7
    batch[:, -1] = 1
    return batch


def make_network(model: str, training: Training):
    """A network with its first weights, to be trained on epochs of ROWS rows."""
    keras.utils.set_random_seed(5)
    return build_network(model, NETWORKS, SIZES, **penalty_weights(training, ROWS))


@pytest.fixture
def network():
    return make_network("din", Training())


def test_factors_step_as_matrix_factorisation_does() -> None:
    """While the dense layers are silent, users' rows move as in a hand-written factorisation."""
    training = Training(factor_learning_rate=0.1, factor_l2=0.5, ordinal_stars=())
    network = make_network("din", training)
    batch = make_batch(network, 30)
    batch[-5:, -1] = 0
    columns = {i.column: n for n, i in enumerate(network.inputs_taken)}
    looked_up = [i.column for i in network.inputs_looked_up]
    starts = dict(zip(looked_up, network.table.starts, strict=True))
    user, start = columns["user_index"], starts["user_index"]
    before = np.asarray(network.table.table).copy()
    genre_table = np.asarray(network.genre_table.table).copy()
    parts = split_batch(tf.constant(batch), len(network.numbers_taken))
    logits = np.asarray(network(parts.indices, parts.numbers))
    expected = before[start : start + 8].copy()
    for index in range(8):
        gradient, lookups = np.zeros(5), 0
        for line, logit in zip(batch[:25], logits, strict=False):
            if line[2 + user] != index:
                continue
            genres = [line[2 + columns[f"genre_{s}_index"]] for s in range(1, 6)]
            movie = line[2 + columns["movie_index"]] + starts["movie_index"]
            candidate = before[movie, :-1] + np.mean([genre_table[g - 1, :-1] for g in genres], 0)
            error = 1 / (1 + np.exp(-logit)) - line[0]
            gradient += error * np.append(candidate, 1) + 0.5 * before[start + index]
            lookups += 1
        expected[index] -= 0.1 * gradient / (1 + 0.1 * lookups / 4)
    TrainingStep(network, training, OneRank())(tf.constant(batch))
    after = np.asarray(network.table.table)
    np.testing.assert_allclose(after[start : start + 8], expected, atol=1e-6)


def test_adam_trains_the_other_rows_and_leaves_the_factors(network) -> None:
    factors = Factors(network, learning_rate=0.05)
    is_factor = np.asarray(factors.rows)[:, 0] == 1
    assert is_factor.sum() == SIZES["user"] + SIZES["movie"]
    training = Training(factor_learning_rate=1e-30, learning_rate=0.1)
    step = TrainingStep(network, training, OneRank())
    batch = make_batch(network, 50)
    before = np.asarray(network.table.table).copy()
    for _ in range(2):
        step(tf.constant(batch))
    moved = np.abs(np.asarray(network.table.table) - before).max(axis=1)
    assert moved[is_factor].max() == 0
    assert moved[~is_factor].max() > 0.05


def test_a_user_of_every_row_of_a_large_batch_does_not_overshoot() -> None:
    training = Training(factor_l2=0.0, ordinal_stars=())
    network = make_network("din", training)
    batch = make_batch(network, 5000)
    batch[:, 2] = 3
    step = TrainingStep(network, training, OneRank())
    losses = []
    for _ in range(8):
        loss, count = step(tf.constant(batch))
        losses.append(float(loss) / float(count))
    assert all(later < earlier + 1e-3 for earlier, later in itertools.pairwise(losses))
    assert losses[-1] < losses[0]


def test_adam_trains_all_of_a_network_without_factors() -> None:
    network = make_network("deepfm", Training())
    assert not np.asarray(Factors(network, learning_rate=0.05).rows).any()


def test_objective_is_a_sum_of_log_losses_at_each_star() -> None:
    objective = Objective(Training(ordinal_stars=(2.5, 4.5), ordinal_weight=0.25))
    objective.offsets.assign([1.5, -2.0])
    batch = np.zeros((10, 5), np.int32)
    batch[:, 1] = range(1, 11)
    batch[:, 0] = batch[:, 1] >= 7
    logits = np.linspace(-2, 3, 10).astype(np.float32)
    of_label, of_row = objective.losses(split_batch(tf.constant(batch), 0), tf.constant(logits))
    for n, (half_stars, logit) in enumerate(zip(batch[:, 1], logits, strict=True)):
        parts = []
        for stars, offset in ((3.5, 0.0), (2.5, 1.5), (4.5, -2.0)):
            probability = 1 / (1 + np.exp(-logit - offset))
            parts.append(-np.log(probability if half_stars / 2 >= stars else 1 - probability))
        assert float(of_label[n]) == pytest.approx(parts[0], rel=1e-5)
        assert float(of_row[n]) == pytest.approx(parts[0] + 0.25 * (parts[1] + parts[2]), rel=1e-5)


def test_offsets_become_the_log_odds_of_their_stars(network) -> None:
    """If nothing else may move and logits are zero, there is nothing else to learn."""
    training = Training(learning_rate=1e-30, factor_learning_rate=1e-30, ordinal_stars=(2.5, 4.5))
    for variable in (network.table.table, network.gated_biases.gates):
        variable.assign(tf.zeros_like(variable))
    step = TrainingStep(network, training, OneRank())
    batch = make_batch(network, 400)
    for _ in range(100):
        step(tf.constant(batch))
    for offset, half_stars in zip(np.asarray(step.objective.offsets), (5, 9), strict=True):
        share = (batch[:, 1] >= half_stars).mean()
        assert offset == pytest.approx(np.log(share / (1 - share)), abs=0.01)


def test_dense_weights_shrink_by_their_penalty() -> None:
    """One small step of Adam has the gradient's sign: the kernels of a silent logit only shrink."""
    training = Training(learning_rate=1e-3, dense_l2=0.1, factor_learning_rate=1e-30)
    network = make_network("din", training)
    kernels = [v for v in network.trainable_variables if v.name == "kernel"]
    before = [np.asarray(k).copy() for k in kernels]
    TrainingStep(network, training, OneRank())(tf.constant(make_batch(network, 40)))
    for kernel, old in zip(kernels, before, strict=True):
        if old.any():
            assert (np.abs(np.asarray(kernel)) <= np.maximum(np.abs(old), 1e-3)).all()
            assert np.abs(np.asarray(kernel)).sum() < np.abs(old).sum()


@pytest.mark.parametrize(("rows", "share"), [(1, 1.0), (150_000, 1.0), (600_000, 0.25)])
def test_the_penalty_of_dense_weights_falls_with_many_rows(rows: int, share: float) -> None:
    penalties = penalty_weights(Training(dense_l2=0.002), rows)
    assert penalties["dense_l2"] == pytest.approx(0.002 * share)


def test_row_penalties_are_half_the_squares_of_factors_and_posters() -> None:
    network = make_network("mmdin", Training(factor_l2=0.3, poster_l2=0.7 * ROWS))
    batch = split_batch(tf.constant(make_batch(network, 6)), len(network.numbers_taken))
    rows = network.table(network.looked_up(batch.indices))
    network.poster_gate.assign(0.5)
    is_poster = [i.group == "movie_poster" for i in network.inputs_taken]
    is_factor = [i.group in FACTOR_GROUPS for i in network.inputs_looked_up]
    table = np.asarray(network.pooled_tables["movie_poster"].table)
    posters = [
        np.mean([table[n, i - 1] for n, i in enumerate(line[is_poster])], axis=0)
        for line in np.asarray(batch.indices)
    ]
    penalties = np.asarray(network.row_penalties(network.fields(batch.indices, rows)))
    for row, poster, penalty in zip(np.asarray(rows), posters, penalties, strict=True):
        of_poster = 0.7 / 2 * np.square(0.5 * poster).sum()
        expected = 0.3 / 2 * np.square(row[is_factor]).sum() + of_poster
        assert penalty == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("model", ["deepfm", "mmdin"])
def test_genres_as_counts_learn_as_looked_up_ones_do(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look_up(genres: GenreEmbedding, slots: tf.Tensor) -> tf.Tensor:
        of_none = tf.zeros([1, genres.table.shape[1]])
        rows = tf.gather(tf.concat([of_none, genres.table.value], axis=0), slots)
        return tf.reduce_sum(rows, axis=-2)

    def trained() -> list[np.ndarray]:
        training = Training(learning_rate=0.01)
        network = make_network(model, training)
        batch = make_batch(network, 200)
        is_genre = [i.is_genre for i in network.inputs_taken]
        slots = batch[:, len(TARGETS) :][:, np.flatnonzero(is_genre)]
        batch[:, len(TARGETS) + np.flatnonzero(is_genre)] = slots * (slots % 3 > 0)
        step = TrainingStep(network, training, OneRank())
        for _ in range(5):
            step(tf.constant(batch))
        return [np.asarray(v) for v in network.trainable_variables]

    counted = trained()
    monkeypatch.setattr(GenreEmbedding, "call", look_up)
    for one, other in zip(counted, trained(), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)


def test_a_compiled_step_learns_as_a_plain_one_does() -> None:
    trained = []
    for xla in (False, True):
        training = Training(learning_rate=0.01)
        keras.utils.set_random_seed(5)
        networks = NETWORKS.model_copy(update={"interest_dropout": 0.5, "identity_dropout": 0.2})
        network = build_network("mmdin", networks, SIZES, **penalty_weights(training, ROWS))
        step = TrainingStep(network, training, OneRank(), xla)
        batch = tf.constant(make_batch(network, 200))
        for _ in range(4):
            step(batch)
        trained.append([np.asarray(v) for v in step.variables])
    for plain, compiled in zip(*trained, strict=True):
        np.testing.assert_allclose(plain, compiled, atol=2e-5)


@pytest.mark.parametrize(
    ("given", "rows", "compiled"),
    [
        ({}, 60_000, True),
        ({}, 59_999, False),
        ({"patience": 1}, 60_000, False),
        ({"epochs": 2}, 60_000, False),
        ({"epochs": 2}, 150_000, True),
        ({"xla": True}, 10, True),
        ({"xla": False}, 10**9, False),
    ],
    ids=str,
)
def test_xla_compiles_what_trains_long_enough(
    given: dict[str, object], rows: int, compiled: bool
) -> None:
    assert is_compiled(Training(**given), rows) is compiled


def test_rows_of_weight_zero_change_nothing() -> None:
    """Neither by their loss nor by their penalties, which alone would move many weights here."""
    training = Training(factor_l2=5.0, poster_l2=5.0 * ROWS)
    network = make_network("mmdin", training)
    step = TrainingStep(network, training, OneRank())
    initial = [np.asarray(v) for v in step.variables]
    weights = []
    for filler in (1, 5):
        for variable, value in zip(step.variables, initial, strict=True):
            variable.assign(value)
        batch = make_batch(network, 12)
        batch[-4:] = filler
        batch[-4:, -1] = 0
        step(tf.constant(batch))
        weights.append([np.asarray(v) for v in network.trainable_variables])
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
