import keras
import numpy as np
import pytest
import tensorflow as tf

from mmdin.config import MODEL_NAMES, Networks
from mmdin.errors import TableError
from mmdin.inputs import INPUTS
from mmdin.models import build_network, network_class
from mmdin.models.checkpoint import load_network, save_network
from mmdin.networks import NETWORKS
from mmdin.storage import local_folder

SMALL = Networks(
    embedding_size=4, hidden_units=(8,), attention_units=(4,), width=8, heads=2, blocks=1
)
SIZES = {i.vocabulary: 6 for i in INPUTS}


def random_indices(network, rows: int) -> np.ndarray:
    return np.random.default_rng(3).integers(1, 6, (rows, len(network.inputs_taken)), np.int32)


@pytest.fixture(params=MODEL_NAMES)
def network(request):
    keras.utils.set_random_seed(5)
    return with_trained_logit(build_network(request.param, SMALL, SIZES))


def with_trained_logit(network):
    """The network with a last layer that is not nothing, as DIN's and MMDIN's is at the start."""
    kernel = network.logit.kernel
    kernel.assign(np.random.default_rng(4).normal(size=kernel.shape))
    return network


def test_one_logit_per_row_and_none_without_gradient(network) -> None:
    indices = tf.constant(random_indices(network, 9))
    with tf.GradientTape() as tape:
        logits = network(indices)
    assert logits.shape == (9,)
    gradients = tape.gradient(logits, [v.value for v in network.trainable_variables])
    assert all(g is not None for g in gradients)


def test_rows_do_not_depend_on_their_batch(network) -> None:
    indices = random_indices(network, 6)
    together = np.asarray(network(indices))
    apart = [float(network(indices[n : n + 1])[0]) for n in range(6)]
    np.testing.assert_allclose(together, apart, rtol=1e-4, atol=1e-5)


def test_order_of_the_history_changes_nothing(network) -> None:
    indices = random_indices(network, 4)
    columns = {i.column: n for n, i in enumerate(network.inputs_taken)}
    if "history_movie_1_index" not in columns:
        pytest.skip("takes no history")
    turned = indices.copy()
    for position, other in ((1, 4), (4, 1)):
        turned[:, columns[f"history_movie_{position}_index"]] = indices[
            :, columns[f"history_movie_{other}_index"]
        ]
        for slot in range(1, 6):
            turned[:, columns[f"history_{position}_genre_{slot}_index"]] = indices[
                :, columns[f"history_{other}_genre_{slot}_index"]
            ]
    np.testing.assert_allclose(
        np.asarray(network(turned)), np.asarray(network(indices)), rtol=1e-4, atol=1e-5
    )


def test_untrained_row_zero_adds_nothing_where_the_history_is_padding(network) -> None:
    columns = [n for n, i in enumerate(network.inputs_taken) if i.group.startswith("history")]
    if not columns:
        pytest.skip("takes no history")
    indices = random_indices(network, 4)
    indices[:, columns] = 0
    before = np.asarray(network(indices))
    table = np.asarray(network.table.table).copy()
    starts = {network.table.starts[n] for n in columns}
    table[list(starts)] = 99.0
    network.table.table.assign(table)
    np.testing.assert_array_equal(np.asarray(network(indices)), before)


def test_hidden_identities_are_users_and_movies_at_the_rate_asked() -> None:
    network = build_network("din", SMALL.model_copy(update={"identity_dropout": 0.25}), SIZES)
    indices = random_indices(network, 4000)
    hidden = np.asarray(network.hide_identities(tf.constant(indices)))
    for column, taken in enumerate(network.inputs_taken):
        share = (hidden[:, column] == 0).mean()
        if taken.group in ("user", "movie"):
            assert 0.2 < share < 0.3
        else:
            assert share == 0


def test_hidden_genres_change_nothing_and_seen_ones_do() -> None:
    for sees in (True, False):
        keras.utils.set_random_seed(5)
        sizes = SMALL.model_copy(update={"genres": sees})
        network = with_trained_logit(build_network("mmdin", sizes, SIZES))
        indices = random_indices(network, 9)
        others = indices.copy()
        of_genres = [n for n, i in enumerate(network.inputs_taken) if i.vocabulary == "genre"]
        others[:, of_genres] = 1 + others[:, of_genres] % 3
        same = np.array_equal(np.asarray(network(indices)), np.asarray(network(others)))
        assert same is not sees


def test_a_closed_gate_leaves_mmdin_without_posters() -> None:
    network = with_trained_logit(build_network("mmdin", SMALL, SIZES))
    indices = random_indices(network, 9)
    others = indices.copy()
    of_posters = [n for n, i in enumerate(network.inputs_taken) if "poster" in i.group]
    others[:, of_posters] = 1 + others[:, of_posters] % 3
    assert not np.allclose(np.asarray(network(indices)), np.asarray(network(others)))
    network.poster_gate.assign(0.0)
    np.testing.assert_array_equal(np.asarray(network(indices)), np.asarray(network(others)))


@pytest.mark.parametrize("model", ["din", "mmdin"])
def test_untrained_logits_are_the_factorisation_and_nothing_else(model) -> None:
    network = build_network(model, SMALL, SIZES)
    indices = random_indices(network, 7)
    indices[0, :2] = 0
    columns = {i.column: n for n, i in enumerate(network.inputs_taken)}
    table = np.asarray(network.table.table)

    def row(line, column):
        return table[line[columns[column]] + network.table.starts[columns[column]]]

    for line, logit in zip(indices, np.asarray(network(indices)), strict=True):
        user, movie = row(line, "user_index"), row(line, "movie_index")
        genres = [f"genre_{slot}_index" for slot in range(1, 6)]
        candidate = sum(row(line, g)[:-1] for g in genres) / 5
        if line[columns["movie_index"]] > 0:
            candidate = candidate + movie[:-1]
        if model == "mmdin":
            features = [i.column for i in network.inputs_taken if i.group == "movie_poster"]
            seen = [row(line, f)[:-1] for f in features if line[columns[f]] > 0]
            candidate = candidate + sum(seen) / len(seen)
        expected = user[-1] + movie[-1] + sum(u * c for u, c in zip(user, candidate, strict=False))
        assert logit == pytest.approx(expected, abs=1e-6)
    without = build_network(model, SMALL.model_copy(update={"factorization": False}), SIZES)
    assert not np.asarray(without(indices)).any()
    assert without.factors_of(without.sizes) == ()


def test_only_mmdin_sees_posters() -> None:
    for model in NETWORKS:
        assert ("movie_poster" in network_class(model).groups) == (model == "mmdin")


@pytest.mark.parametrize(
    "change",
    [
        {"posters": False},
        {"attention": "mean"},
        {"attention": "concatenation"},
        {"trunk": "plain"},
        {"heads": 1},
        {"heads": 8},
        {"factorization": False},
    ],
    ids=str,
)
def test_each_ablation_is_another_network_that_learns_and_is_saved(change, tmp_path) -> None:
    whole = build_network("mmdin", SMALL, SIZES)
    network = with_trained_logit(build_network("mmdin", SMALL.model_copy(update=change), SIZES))
    assert network.count_params() != whole.count_params()
    seen = {i.group for i in network.inputs_taken}
    assert ("movie_poster" in seen) == ("posters" not in change)
    indices = random_indices(network, 5)
    with tf.GradientTape() as tape:
        logits = network(indices)
    gradients = tape.gradient(logits, [v.value for v in network.trainable_variables])
    assert all(g is not None for g in gradients)
    save_network(local_folder(tmp_path / "run"), "mmdin", SIZES, network)
    loaded = load_network(local_folder(tmp_path / "run"))
    np.testing.assert_array_equal(np.asarray(loaded(indices)), np.asarray(logits))


def test_a_saved_network_scores_the_same(network, tmp_path) -> None:
    model = next(m for m in NETWORKS if type(network) is network_class(m))
    save_network(local_folder(tmp_path / "run"), model, SIZES, network)
    loaded = load_network(local_folder(tmp_path / "run"))
    indices = random_indices(network, 5)
    np.testing.assert_array_equal(np.asarray(loaded(indices)), np.asarray(network(indices)))


def test_a_missing_network_is_named(tmp_path) -> None:
    with pytest.raises(TableError, match="no trained network"):
        load_network(local_folder(tmp_path))


@pytest.mark.parametrize("model", MODEL_NAMES)
def test_mixed_precision_gives_nearly_the_same_logits_and_float32_weights(model) -> None:
    def build():
        keras.utils.set_random_seed(5)
        return with_trained_logit(build_network(model, SMALL, SIZES))

    exact = build()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = build()
        indices = random_indices(exact, 40)
        logits = mixed(indices)
    finally:
        keras.config.set_dtype_policy("float32")
    assert {v.dtype for v in mixed.trainable_variables} == {"float32"}
    assert logits.dtype == tf.float32
    expected = np.asarray(exact(indices))
    np.testing.assert_allclose(np.asarray(logits), expected, atol=0.02 * np.abs(expected).max())
    assert np.any(np.asarray(logits) != expected)
