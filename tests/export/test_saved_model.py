"""The graph encodes values as Spark does, and gives the network's own scores."""

import math
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from mmdin.config import Networks
from mmdin.export.encodings import Encodings
from mmdin.export.saved_model import ReadableInputs, bucket_of, save_model
from mmdin.inputs import INPUTS, NUMBERS, Input
from mmdin.models import build_network

EDGES = {i.value: [2.0, 4.0] for i in INPUTS if i.is_bucket}
ENCODINGS = Encodings(
    keys={
        "user": np.array([70, 80, -1]),
        "movie": np.array([5, 6, 7]),
        "genre": ["Drama", "Comedy", "(no genres)"],
    },
    edges={**EDGES, "hour_of_day": []},
    movies=np.array([5, 9]),
    genres=np.array([[1, 2, 0, 0, 0], [3, 0, 0, 0, 0]], np.int32),
)
SIZES = {"user": 4, "movie": 4, "genre": 4, **dict.fromkeys(EDGES, 4)}

DOUBLES = st.sampled_from([0.0, -0.0, math.inf, -math.inf, 5e-324, -5e-324]) | st.floats(
    allow_nan=False
)


@given(values=st.lists(DOUBLES, min_size=1), edges=st.lists(DOUBLES, max_size=6))
def test_a_bucket_is_one_more_than_the_edges_at_or_below_in_javas_order(values, edges):
    def in_order(value: float) -> tuple[float, float]:
        return value, math.copysign(1, value)

    edges = sorted(edges, key=in_order)
    expected = [1 + sum(in_order(e) <= in_order(v) for e in edges) for v in values]
    given_values = tf.constant([*values, math.nan], tf.float64)
    assert bucket_of(given_values, edges).numpy().tolist() == [*expected, 0]


def constant_values(**values: list) -> dict[str, tf.Tensor]:
    """Readable values of as many rows as the given ones have, by the names of their types."""
    encoder = ReadableInputs(INPUTS, NUMBERS, ENCODINGS)
    rows = len(next(iter(values.values())))
    missing = {tf.int64: -2, tf.string: "", tf.float64: math.nan}
    complete = {n: values.get(n, [missing[t]] * rows) for n, t in encoder.types.items()}
    return {n: tf.constant(v, encoder.types[n]) for n, v in complete.items()}


VALUES = {
    "user_id": [80, -1, 99, -2],
    "movie_id": [5, 7, 9, -2],
    "genres": ["Comedy|Drama|Horror", "", "A|B|C|D|E|Drama", "(no genres)"],
    "history_movie_1": [9, 5, 6, -2],
    "release_year": [2.0, 3.99, math.nan, -5.0],
    "movie_rating_mean": [4.0, 1.9, 1e9, math.nan],
    "hour_of_day": [0.0, 23.0, math.nan, 4.0],
    **{n.column: [0.25, -1.0, 0.0, 1e-9] for n in NUMBERS},
}
EXPECTED = {
    "user_index": [2, 3, 0, 0],
    "movie_index": [1, 3, 0, 0],
    "genre_1_index": [2, 0, 0, 3],
    "genre_2_index": [1, 0, 0, 0],
    "genre_3_index": [0, 0, 0, 0],
    "history_movie_1_index": [0, 1, 2, 0],
    "history_movie_2_index": [0, 0, 0, 0],
    "history_1_genre_1_index": [3, 1, 0, 0],
    "history_1_genre_2_index": [0, 2, 0, 0],
    "release_year_bucket": [2, 2, 0, 1],
    "movie_rating_mean_bucket": [3, 1, 3, 0],
    "hour_of_day_bucket": [1, 1, 0, 1],
    "day_of_week_bucket": [0, 0, 0, 0],
}


def test_readable_values_become_the_indices_of_vocabularies_and_buckets() -> None:
    indices, numbers = ReadableInputs(INPUTS, NUMBERS, ENCODINGS)(constant_values(**VALUES))
    found = {i.column: column for i, column in zip(INPUTS, indices.numpy().T, strict=True)}
    assert {name: found[name].tolist() for name in EXPECTED} == EXPECTED
    assert numbers.dtype == tf.float32
    np.testing.assert_array_equal(numbers[:, 0], np.float32(VALUES["movie_bias"]))


def test_an_id_that_means_none_is_nobodys() -> None:
    assert ENCODINGS.missing_id == -2


def test_a_new_input_needs_no_more_than_its_declaration() -> None:
    new = (
        Input("studio_index", "studio", "studio", "movie_statistics", "the studio"),
        Input("price_bucket", "price", "price", "movie_statistics", "the price"),
    )
    encodings = Encodings({"studio": ["A", "B"]}, {"price": [1.5]})
    encoder = ReadableInputs(new, (), encodings)
    assert encoder.types == {"studio": tf.string, "price": tf.float64}
    values = {"studio": tf.constant(["B", "C"]), "price": tf.constant([1.5, 1.0], tf.float64)}
    assert encoder(values)[0].numpy().tolist() == [[2, 2], [0, 1]]


@pytest.mark.parametrize("model", ["deepfm", "neural_cf"])
def test_both_signatures_give_the_networks_own_scores(model: str, tmp_path: Path) -> None:
    keras.utils.set_random_seed(5)
    network = build_network(model, Networks(embedding_size=4, hidden_units=[8]), SIZES)
    for weight in network.trainable_weights:
        weight.assign(np.random.default_rng(1).normal(0, 0.3, weight.shape))
    types = save_model(network, ENCODINGS, tmp_path)
    loaded = tf.saved_model.load(str(tmp_path))
    values = constant_values(**VALUES)
    encoder = ReadableInputs(network.inputs_taken, network.numbers_taken, ENCODINGS)
    indices, numbers = encoder(values)
    logits = np.asarray(network(indices, numbers), np.float64)
    assert len({round(float(x), 3) for x in logits}) > 1

    of_readable = {name: values[name] for name in types["readable"]}
    of_encoded = {i.column: indices[:, at] for at, i in enumerate(network.inputs_taken)}
    of_encoded |= {n.column: numbers[:, at] for at, n in enumerate(network.numbers_taken)}
    assert set(of_encoded) == set(types["encoded"])
    for name, taken in {
        "readable": of_readable,
        "encoded": of_encoded,
        "serving_default": of_readable,
    }.items():
        score = loaded.signatures[name](**taken)["score"]
        assert score.dtype == tf.float64
        np.testing.assert_allclose(score, 1 / (1 + np.exp(-logits)), rtol=0, atol=1e-6)
