"""The networks as wholes: what they take, what they are invariant to, how they are saved."""

import json
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from mmdin.config import MODEL_NAMES, Networks
from mmdin.errors import TableError
from mmdin.inputs import INPUTS
from mmdin.models import build_network, network_class
from mmdin.models.checkpoint import load_network, save_network
from mmdin.models.network import RatingNetwork
from mmdin.networks import NETWORKS
from mmdin.storage import local_folder

SMALL = Networks(
    embedding_size=4, hidden_units=(8,), attention_units=(4,), width=8, heads=2, blocks=1
)
SIZES = {i.vocabulary: 6 for i in INPUTS}
PENALTIES = {"dense_l2": 0.25, "factor_l2": 0.5, "poster_l2": 0.75, "attention_l2": 0.125}


def random_indices(network: RatingNetwork, rows: int) -> npt.NDArray[np.int32]:
    return np.random.default_rng(3).integers(1, 6, (rows, len(network.inputs_taken)), np.int32)


def first_row(network: RatingNetwork, column: str) -> int:
    """The first row in the table of a column's vocabulary."""
    looked_up = [i.column for i in network.inputs_looked_up]
    return int(network.table.starts[looked_up.index(column)])


@pytest.fixture(params=MODEL_NAMES, scope="module")
def network(request: pytest.FixtureRequest) -> RatingNetwork:
    """Each network, which tests leave unchanged."""
    keras.utils.set_random_seed(5)
    return with_trained_logit(build_network(request.param, SMALL, SIZES))


@pytest.fixture(scope="module")
def whole() -> RatingNetwork:
    """MMDIN with all its parts, which tests leave unchanged."""
    return build_network("mmdin", SMALL, SIZES)


def with_trained_logit(network: RatingNetwork) -> RatingNetwork:
    """The network with a last layer that is not zero, as DIN's and MMDIN's is at the start."""
    kernel = network.logit.kernel
    kernel.assign(np.random.default_rng(4).normal(size=kernel.shape))
    return network


def changed(**sizes: object) -> Networks:
    return SMALL.model_copy(update=sizes)


def test_rows_have_one_logit_and_every_weight_a_gradient(network: RatingNetwork) -> None:
    indices = tf.constant(random_indices(network, 9))
    with tf.GradientTape() as tape:
        logits = network(indices)
    assert logits.shape == (9,)
    gradients = tape.gradient(logits, [v.value for v in network.trainable_variables])
    assert all(g is not None for g in gradients)


def test_rows_do_not_depend_on_their_batch(network: RatingNetwork) -> None:
    indices = random_indices(network, 6)
    together = np.asarray(network(indices))
    alone = [float(network(indices[n : n + 1])[0]) for n in range(6)]
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-5)


def test_order_of_the_history_changes_nothing(network: RatingNetwork) -> None:
    indices = random_indices(network, 4)
    columns = {i.column: n for n, i in enumerate(network.inputs_taken)}
    if "history_movie_1_index" not in columns:
        pytest.skip("takes no history")
    swapped = indices.copy()
    for position, other in ((1, 4), (4, 1)):
        swapped[:, columns[f"history_movie_{position}_index"]] = indices[
            :, columns[f"history_movie_{other}_index"]
        ]
        for slot in range(1, 6):
            swapped[:, columns[f"history_{position}_genre_{slot}_index"]] = indices[
                :, columns[f"history_{other}_genre_{slot}_index"]
            ]
    np.testing.assert_allclose(
        np.asarray(network(swapped)), np.asarray(network(indices)), rtol=1e-4, atol=1e-5
    )


def test_row_zero_adds_nothing_to_a_history_of_padding(network: RatingNetwork) -> None:
    columns = [n for n, i in enumerate(network.inputs_taken) if i.group.startswith("history")]
    if not columns:
        pytest.skip("takes no history")
    indices = random_indices(network, 4)
    indices[:, columns] = 0
    before = np.asarray(network(indices))
    untrained = np.asarray(network.table.table).copy()
    table = untrained.copy()
    table[first_row(network, "history_movie_1_index")] = 99.0
    network.table.table.assign(table)
    after = np.asarray(network(indices))
    network.table.table.assign(untrained)
    np.testing.assert_array_equal(after, before)


def test_users_and_movies_are_dropped_at_the_given_rate_and_nothing_else() -> None:
    network = build_network("din", changed(identity_dropout=0.25), SIZES)
    indices = random_indices(network, 4000)
    dropped = np.asarray(network.drop_identities(tf.constant(indices)))
    for column, taken in enumerate(network.inputs_taken):
        share = (dropped[:, column] == 0).mean()
        if taken.group in ("user", "movie"):
            assert 0.2 < share < 0.3
        else:
            assert share == 0


def test_genres_are_averaged_over_the_slots_that_name_one(whole: RatingNetwork) -> None:
    indices = np.random.default_rng(6).integers(0, 4, (30, len(whole.inputs_taken)), np.int32)
    indices[0] = 0
    columns = {i.column: n for n, i in enumerate(whole.inputs_taken)}
    table = np.asarray(whole.table.table)
    fields = whole.fields(tf.constant(indices), whole.table(whole.looked_up(indices)))
    history, present = (np.asarray(x) for x in fields.history())

    def named(line: npt.NDArray[np.int32], prefix: str) -> list[npt.NDArray[np.float32]]:
        slots = [line[columns[f"{prefix}_{slot}_index"]] for slot in range(1, 6)]
        return [np.asarray(whole.genre_table.table)[s - 1] for s in slots if s > 0]

    def mean(rows: list[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32] | float:
        return np.mean(rows, axis=0)[:-1] if rows else 0.0

    for n, line in enumerate(indices):
        of_candidate = named(line, "genre")
        np.testing.assert_allclose(fields.genres()[n], mean(of_candidate), atol=1e-6)
        weights = sum(row[-1] for row in of_candidate)
        assert float(fields.genres_first_order()[n]) == pytest.approx(weights, abs=1e-6)
        for p in range(1, 6):
            movie = line[columns[f"history_movie_{p}_index"]]
            start = first_row(whole, f"history_movie_{p}_index")
            of_liked = named(line, f"history_{p}_genre")
            expected = mean(of_liked) + (table[start + movie][:-1] if movie else 0.0)
            np.testing.assert_allclose(history[n, p - 1], expected, atol=1e-6)
            assert present[n, p - 1] == (movie > 0 or bool(of_liked))


def test_genres_matter_unless_the_network_may_not_see_them() -> None:
    for sees in (True, False):
        keras.utils.set_random_seed(5)
        network = with_trained_logit(build_network("mmdin", changed(genres=sees), SIZES))
        indices = random_indices(network, 9)
        others = indices.copy()
        of_genres = [n for n, i in enumerate(network.inputs_taken) if i.vocabulary == "genre"]
        others[:, of_genres] = 1 + others[:, of_genres] % 3
        same = np.array_equal(np.asarray(network(indices)), np.asarray(network(others)))
        assert same is not sees


def test_with_a_closed_gate_posters_change_nothing() -> None:
    network = with_trained_logit(build_network("mmdin", SMALL, SIZES))
    indices = random_indices(network, 9)
    others = indices.copy()
    of_posters = [n for n, i in enumerate(network.inputs_taken) if "poster" in i.group]
    others[:, of_posters] = 1 + others[:, of_posters] % 3
    assert not np.allclose(np.asarray(network(indices)), np.asarray(network(others)))
    network.poster_gate.assign(0.0)
    np.testing.assert_array_equal(np.asarray(network(indices)), np.asarray(network(others)))


@pytest.mark.parametrize("model", ["din", "mmdin"])
def test_untrained_logits_are_the_factorisation_and_the_interest(model: str) -> None:
    network = build_network(model, SMALL, SIZES)
    indices = random_indices(network, 7)
    interest = np.asarray(network.attention_weights(indices)).sum(axis=1)
    assert (interest != 0).all()
    indices[0, :2] = 0
    columns = {i.column: n for n, i in enumerate(network.inputs_taken)}
    of_posters = [n for n, i in enumerate(network.inputs_taken) if i.group == "movie_poster"]
    indices[1, of_posters[::2]] = 0
    table, genre_table = np.asarray(network.table.table), np.asarray(network.genre_table.table)

    def row(line: npt.NDArray[np.int32], column: str) -> npt.NDArray[np.float32]:
        embedding: npt.NDArray[np.float32] = table[
            line[columns[column]] + first_row(network, column)
        ]
        return embedding

    for line, logit, strength in zip(indices, np.asarray(network(indices)), interest, strict=True):
        user, movie = row(line, "user_index"), row(line, "movie_index")
        genres = [line[columns[f"genre_{slot}_index"]] for slot in range(1, 6)]
        candidate = np.mean([genre_table[g - 1, :-1] for g in genres], axis=0)
        if line[columns["movie_index"]] > 0:
            candidate = candidate + movie[:-1]
        if model == "mmdin":
            of_poster = np.asarray(network.pooled_tables["movie_poster"].table)
            features = [i.column for i in network.inputs_taken if i.group == "movie_poster"]
            values = [line[columns[f]] for f in features]
            seen = [of_poster[n, v - 1] for n, v in enumerate(values) if v > 0]
            candidate = candidate + np.mean(seen, axis=0)
        expected = user[-1] + movie[-1] + user[:-1] @ candidate
        if model == "mmdin":
            expected += strength
        assert logit == pytest.approx(expected, abs=1e-6)
    without = build_network(model, changed(factorization=False, attention_by="movies"), SIZES)
    assert not np.asarray(without(indices)).any()
    assert without.factor_groups == ()


@pytest.mark.parametrize(
    ("sizes", "sees_movies"),
    [({}, False), ({"attention_by": "movies"}, True), ({"genres": False}, True)],
    ids=["by genres", "by movies", "without genres"],
)
def test_attention_compares_what_it_is_told_to(sizes: dict[str, object], sees_movies: bool) -> None:
    network = build_network("mmdin", changed(**sizes), SIZES)
    indices = random_indices(network, 7)
    of_movies = [n for n, i in enumerate(network.inputs_taken) if i.vocabulary == "movie"]
    others = indices.copy()
    others[:, of_movies] = indices[:, of_movies] % 5 + 1
    before, after = (np.asarray(network.attention_weights(i)) for i in (indices, others))
    assert np.allclose(before, after) != sees_movies


@pytest.mark.parametrize("attention", ["outer", "mean"])
def test_liked_movies_are_added_up_by_their_weights(attention: str) -> None:
    network = build_network("mmdin", changed(attention=attention), SIZES)
    indices = random_indices(network, 7)
    fields = network.fields(tf.constant(indices), network.table(network.looked_up(indices)))
    weights, (history, _) = np.asarray(network.weigh(fields)), fields.history()
    pooled = np.asarray(network.describe(fields, weights)[-1])
    liked = np.asarray(history)
    expected = [
        sum(w * h for w, h in zip(*row, strict=True)) for row in zip(weights, liked, strict=True)
    ]
    np.testing.assert_allclose(pooled, expected, rtol=1e-4, atol=1e-6)
    assert np.allclose(pooled, liked.mean(axis=1), atol=1e-5) == (attention == "mean")


def test_only_networks_that_use_first_order_weights_have_them(network: RatingNetwork) -> None:
    has_them = type(network) is network_class("deepfm") or network.factor_groups != ()
    assert network.table.table.shape[1] == SMALL.embedding_size + has_them


def test_only_mmdin_sees_posters(network: RatingNetwork) -> None:
    groups = {i.group for i in network.inputs_taken}
    assert ("movie_poster" in groups) == (type(network) is network_class("mmdin"))


def test_every_dense_kernel_is_penalised_and_nothing_else() -> None:
    for model in MODEL_NAMES:
        network = with_trained_logit(build_network(model, SMALL, SIZES, **PENALTIES))
        kernels = [v for v in network.trainable_variables if v.name == "kernel"]
        penalised = [v for v in network.trainable_variables if v.regularizer is not None]
        assert {id(v) for v in penalised} == {id(v) for v in kernels}
        of_attention = network.attention.trainable_variables if model == "mmdin" else []
        lighter = {id(v) for v in of_attention}
        expected = sum(
            (0.125 if id(k) in lighter else 0.25) * float(np.square(np.asarray(k)).sum())
            for k in kernels
        )
        assert float(sum(network.losses)) == pytest.approx(expected, rel=1e-5)


def test_only_networks_with_factors_penalise_rows(network: RatingNetwork) -> None:
    model = next(m for m in NETWORKS if type(network) is network_class(m))
    penalised = build_network(model, SMALL, SIZES, **PENALTIES)
    indices = tf.constant(random_indices(network, 5))
    fields = penalised.fields(indices, penalised.table(penalised.looked_up(indices)))
    penalties = np.asarray(penalised.row_penalties(fields))
    assert penalties.shape == (5,)
    assert (penalties > 0).all() if penalised.factor_groups else not penalties.any()


@pytest.mark.parametrize(
    "change",
    [
        {"posters": False},
        {"attention": "mean"},
        {"attention": "concatenation"},
        {"attention": "concatenation", "attention_by": "movies"},
        {"trunk": "plain"},
        {"heads": 1},
        {"heads": 8},
        {"factorization": False},
    ],
    ids=str,
)
def test_each_ablation_is_another_network_that_learns_and_is_saved(
    change: dict[str, object], whole: RatingNetwork, tmp_path: Path
) -> None:
    network = with_trained_logit(build_network("mmdin", changed(**change), SIZES))
    assert network.count_params() != whole.count_params()
    seen = {i.group for i in network.inputs_taken}
    assert ("movie_poster" in seen) == ("posters" not in change)
    indices = random_indices(network, 5)
    with tf.GradientTape() as tape:
        logits = network(indices)
    gradients = tape.gradient(logits, [v.value for v in network.trainable_variables])
    assert all(g is not None for g in gradients)
    save_network(local_folder(tmp_path / "run"), network)
    loaded = load_network(local_folder(tmp_path / "run"))
    np.testing.assert_array_equal(np.asarray(loaded(indices)), np.asarray(logits))


def test_a_saved_network_scores_the_same(network: RatingNetwork, tmp_path: Path) -> None:
    save_network(local_folder(tmp_path / "run"), network)
    loaded = load_network(local_folder(tmp_path / "run"))
    indices = random_indices(network, 5)
    np.testing.assert_array_equal(np.asarray(loaded(indices)), np.asarray(network(indices)))


@pytest.mark.parametrize("model", MODEL_NAMES)
def test_arguments_survive_serialisation_and_are_what_network_json_holds(
    model: str, tmp_path: Path
) -> None:
    """Each argument differs from its default, so that a forgotten one would be seen."""
    sizes = Networks(
        embedding_size=3,
        hidden_units=(5, 4),
        attention_units=(6, 2),
        width=7,
        heads=3,
        blocks=1,
        dropout=0.15,
        interest_dropout=0.25,
        identity_dropout=0.35,
        posters=False,
        poster_dropout=0.45,
        genres=False,
        biases=False,
        attention="concatenation",
        attention_by="movies",
        trunk="plain",
        factorization=False,
    )
    network = build_network(model, sizes, SIZES, **PENALTIES)
    config = network.get_config()
    given = {**sizes.model_dump(mode="json"), **PENALTIES, "vocabulary_sizes": SIZES}
    assert config == {name: given[name] for name in type(network).argument_names(given)}
    assert type(network).from_config(config).get_config() == config
    save_network(local_folder(tmp_path), network)
    description = json.loads((tmp_path / "network.json").read_text())
    assert (description["class_name"], description["config"]) == (type(network).__name__, config)
    loaded = load_network(local_folder(tmp_path))
    assert loaded.get_config() == config
    assert [v.shape for v in loaded.variables] == [v.shape for v in network.variables]


def test_a_missing_network_is_named(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no trained network"):
        load_network(local_folder(tmp_path))


@pytest.mark.parametrize(
    ("saved", "read"),
    [('"user": 6', '"user": 7'), ('"dropout": 0.3', '"another": 0.3'), (', "dropout": 0.3', "")],
    ids=["weights of another shape", "an unknown argument", "no argument"],
)
def test_networks_of_another_version_are_refused(saved: str, read: str, tmp_path: Path) -> None:
    save_network(local_folder(tmp_path), build_network("neural_cf", SMALL, SIZES))
    description = tmp_path / "network.json"
    text = json.dumps(json.loads(description.read_text()))
    assert saved in text
    description.write_text(text.replace(saved, read))
    with pytest.raises(TableError, match="another version of mmdin saved it: train again"):
        load_network(local_folder(tmp_path))


@pytest.mark.parametrize("model", MODEL_NAMES)
def test_mixed_precision_gives_nearly_the_same_logits_and_float32_weights(model: str) -> None:
    def build() -> RatingNetwork:
        keras.utils.set_random_seed(5)
        return with_trained_logit(build_network(model, SMALL, SIZES, **PENALTIES))

    exact = build()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = build()
        indices = random_indices(exact, 40)
        logits, penalty = mixed(indices), tf.add_n(mixed.losses)
    finally:
        keras.config.set_dtype_policy("float32")
    assert {v.dtype for v in mixed.trainable_variables} == {"float32"}
    assert logits.dtype == penalty.dtype == tf.float32
    assert float(penalty) == float(tf.add_n(exact.losses))
    expected = np.asarray(exact(indices))
    np.testing.assert_allclose(np.asarray(logits), expected, atol=0.02 * np.abs(expected).max())
    assert np.any(np.asarray(logits) != expected)
