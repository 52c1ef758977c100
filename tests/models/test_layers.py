"""Each layer against a loop in NumPy that follows its formula."""

import keras
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from mmdin.inputs import inputs_of
from mmdin.models.attention import Interaction, InterestAttention, UniformAttention
from mmdin.models.biases import FIRST_WEIGHTS, GatedBiases
from mmdin.models.dense import DenseStack, PReLU
from mmdin.models.embedding import FusedEmbedding
from mmdin.models.factorization import pairwise_interactions
from mmdin.models.noise import Noise, draw_noise
from mmdin.models.pooled import PooledEmbedding
from mmdin.models.pooling import masked_mean
from mmdin.models.residual import MultiHeadResNet

RANDOM = np.random.default_rng(7)
Floats = npt.NDArray[np.float32]


def normal(*shape: int) -> Floats:
    return RANDOM.normal(size=shape).astype(np.float32)


def prelu(x: Floats, slope: Floats) -> Floats:
    return np.where(x > 0, x, slope * x)


def dense_stack(stack: DenseStack, x: Floats) -> Floats:
    for layer in stack.steps:
        if isinstance(layer, keras.layers.Dense):
            x = x @ np.asarray(layer.kernel) + np.asarray(layer.bias)
        elif isinstance(layer, PReLU):
            x = prelu(x, np.asarray(layer.slope))
    return x


def hidden_of_pair(layer: InterestAttention, pair: Floats) -> Floats:
    first = pair @ np.asarray(layer.first.kernel) + np.asarray(layer.first.bias)
    return dense_stack(layer.hidden, prelu(first, np.asarray(layer.activation.slope)))


def scramble(layer: keras.layers.Layer) -> None:
    """Give every weight another value, so that biases and slopes matter."""
    for variable in layer.trainable_variables:
        variable.assign(normal(*variable.shape))


def test_embedding_keeps_vocabularies_apart_and_shares_equal_ones() -> None:
    inputs = inputs_of(["movie", "genres", "history"])
    sizes = {"movie": 4, "genre": 3}
    layer = FusedEmbedding(inputs, sizes, dimension=2)
    table = np.asarray(layer.table)
    assert table.shape == (7, 2)
    indices = np.stack([RANDOM.integers(0, sizes[i.vocabulary], 6) for i in inputs], axis=1)
    embeddings = np.asarray(layer(tf.constant(indices, tf.int32)))
    start = {"genre": 0, "movie": 3}
    for row in range(6):
        for column, taken in enumerate(inputs):
            expected = table[start[taken.vocabulary] + indices[row, column]]
            np.testing.assert_array_equal(embeddings[row, column], expected)


def test_embedding_refuses_an_unknown_vocabulary() -> None:
    with pytest.raises(ValueError, match="no vocabulary size is given for movie"):
        FusedEmbedding(inputs_of(["movie"]), {"user": 3}, dimension=2)


@pytest.mark.parametrize("size", [2, 9, 100])
def test_pooled_embeddings_are_the_sum_of_those_looked_up(size: int) -> None:
    """Of few values by a product, of many by a look-up; both with gradients by row."""
    layer = PooledEmbedding(3, size, dimension=4)
    indices = RANDOM.integers(0, size, (50, 3))
    indices[0] = 0
    weights = normal(50, 4)
    with tf.GradientTape() as tape:
        sums = layer(tf.constant(indices, tf.int32))
        total = tf.reduce_sum(sums * weights)
    gradient = np.asarray(tf.convert_to_tensor(tape.gradient(total, layer.table.value)))
    table = np.asarray(layer.table)
    expected, of_table = np.zeros((50, 4)), np.zeros_like(table)
    for row, line in enumerate(indices):
        for column, index in enumerate(line):
            if index > 0:
                expected[row] += table[column, index - 1]
                of_table[column, index - 1] += weights[row]
    np.testing.assert_allclose(sums, expected, atol=1e-6)
    np.testing.assert_allclose(gradient, of_table, atol=1e-4)


def test_biases_count_by_what_the_network_knows() -> None:
    layer = GatedBiases(list(FIRST_WEIGHTS))
    scramble(layer)
    biases = {name: normal(4) for name in FIRST_WEIGHTS}
    knows_user, knows_movie = np.array([[0, 0, 1, 1], [0, 1, 0, 1]], np.float32)
    found = np.asarray(layer(biases, knows_user, knows_movie))
    for row in range(4):
        expected = 0.0
        for (name, given), weights in zip(biases.items(), np.asarray(layer.gates), strict=True):
            knows = knows_movie[row] if name == "movie_bias" else knows_user[row]
            expected += 10 * weights[0 if knows else 1] * given[row]
        assert found[row] == pytest.approx(expected, rel=1e-5)


def test_masked_mean_includes_only_what_the_mask_includes() -> None:
    vectors, mask = normal(3, 2, 4, 5), RANDOM.integers(0, 2, (3, 2, 4)).astype(np.float32)
    mask[0, 0] = 0
    means = np.asarray(masked_mean(vectors, mask))
    for i in range(3):
        for j in range(2):
            included = [vectors[i, j, n] for n in range(4) if mask[i, j, n]]
            expected = np.mean(included, axis=0) if included else np.zeros(5)
            np.testing.assert_allclose(means[i, j], expected, atol=1e-6)


@pytest.mark.parametrize("interaction", ["outer", "difference"])
def test_attention_weighs_each_liked_movie(interaction: Interaction) -> None:
    layer = InterestAttention([6, 4], interaction)
    history, candidate = normal(4, 5, 3), normal(4, 3)
    mask = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0] * 5, [1, 0, 1, 0, 0]], np.float32)
    layer(history, mask, candidate)
    scramble(layer)
    weights = np.asarray(layer(history, mask, candidate))
    kernel, bias = np.asarray(layer.weight.kernel), np.asarray(layer.weight.bias)
    expected = np.zeros((4, 5))
    for b, p in np.ndindex(4, 5):
        h, c = history[b, p], candidate[b]
        pair = np.outer(h, c).ravel() if interaction == "outer" else np.r_[h - c, h * c]
        hidden = hidden_of_pair(layer, np.r_[h, c, pair])
        expected[b, p] = mask[b, p] * (hidden @ kernel + bias)[0]
    np.testing.assert_allclose(weights, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("interaction", ["outer", "difference"])
def test_padding_changes_nothing(interaction: Interaction) -> None:
    layer = InterestAttention([6], interaction)
    history, candidate = normal(2, 5, 3), normal(2, 3)
    mask = np.array([[1, 1, 0, 0, 0], [1, 0, 0, 0, 0]], np.float32)
    before = np.asarray(layer(history, mask, candidate))
    history[:, 2:] = 1e3
    np.testing.assert_array_equal(np.asarray(layer(history, mask, candidate)), before)


def test_concatenation_sees_the_pair_alone() -> None:
    layer = InterestAttention([4], "concatenation")
    history, mask, candidate = normal(6, 5, 3), np.ones((6, 5), np.float32), normal(6, 3)
    layer(history, mask, candidate)
    scramble(layer)
    pairs = np.concatenate([history, np.repeat(candidate[:, None], 5, axis=1)], axis=-1)
    hidden = hidden_of_pair(layer, pairs)
    weights = hidden @ np.asarray(layer.weight.kernel) + np.asarray(layer.weight.bias)
    np.testing.assert_allclose(
        np.asarray(layer(history, mask, candidate)), weights[..., 0], rtol=1e-3, atol=1e-4
    )


def test_uniform_attention_weighs_the_unmasked_equally() -> None:
    mask = np.array([[1, 1, 0, 0, 0], [0, 0, 0, 0, 0]], np.float32)
    weights = np.asarray(UniformAttention()(normal(2, 5, 3), mask, normal(2, 3)))
    np.testing.assert_allclose(weights, [[0.5, 0.5, 0.0, 0.0, 0.0], [0.0] * 5])


def test_heads_of_residual_blocks_are_added() -> None:
    layer = MultiHeadResNet(heads=3, blocks=2, width=4)
    x = normal(5, 4)
    layer(x)
    scramble(layer)
    expected: npt.NDArray[np.float64] = np.zeros((5, 4))
    for stack in layer.stacks:
        head = x
        for block in stack:
            first, second = block.first, block.second
            hidden = head @ np.asarray(first.kernel) + np.asarray(first.bias)
            hidden = prelu(hidden, np.asarray(block.activation.slope))
            head = head + hidden @ np.asarray(second.kernel) + np.asarray(second.bias)
        expected = expected + head
    np.testing.assert_allclose(np.asarray(layer(x)), expected, rtol=1e-3, atol=1e-3)


def test_pairwise_interactions_are_the_sum_over_all_pairs() -> None:
    fields = normal(3, 6, 4)
    expected = [
        sum(float(row[i] @ row[j]) for i in range(6) for j in range(i + 1, 6)) for row in fields
    ]
    np.testing.assert_allclose(np.asarray(pairwise_interactions(fields)), expected, rtol=1e-4)


def test_dense_stack_follows_its_formula_and_drops_only_in_training() -> None:
    stack = DenseStack([4, 3], dropout=0.5)
    x = normal(8, 5)
    stack(x)
    scramble(stack)
    np.testing.assert_allclose(np.asarray(stack(x)), dense_stack(stack, x), rtol=1e-4, atol=1e-4)
    noise = Noise(draw_noise(tf.constant([3, 0], tf.int64), 0, 8 * (5 + 4)))
    assert not np.allclose(np.asarray(stack(x, noise=noise)), np.asarray(stack(x)))
