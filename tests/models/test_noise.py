"""The random numbers of dropout: how many are dropped, and that none depends on another."""

import itertools

import keras
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from mmdin.config import MODEL_NAMES, Networks
from mmdin.inputs import INPUTS
from mmdin.models import build_network
from mmdin.models.network import RatingNetwork
from mmdin.models.noise import Noise, NoiseCounter, draw_noise

ROWS, UNITS = 400, 300
SIZES = {i.vocabulary: 6 for i in INPUTS}
SMALL = Networks(
    embedding_size=4,
    hidden_units=(8,),
    attention_units=(4,),
    width=8,
    blocks=1,
    identity_dropout=0.25,
)


def dropped(seed: tuple[int, int], rate: float, stream: int = 0) -> npt.NDArray[np.bool_]:
    """Which of as many ones become 0."""
    noise = Noise(draw_noise(tf.constant(seed, tf.int64), stream, ROWS * UNITS))
    return np.asarray(noise.drop(tf.ones([ROWS, UNITS]), rate)) == 0


def correlation(one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


@pytest.mark.parametrize("rate", [0.001, 0.2, 0.3, 0.5, 0.999])
def test_the_share_is_the_rate_in_256ths_and_the_mean_stays(rate: float) -> None:
    share = np.clip(round(rate * 256), 1, 255) / 256
    noise = Noise(draw_noise(tf.constant([5, 9], tf.int64), 0, ROWS * UNITS))
    ones = np.asarray(noise.drop(tf.ones([ROWS, UNITS]), rate))
    within = 5 * np.sqrt(share * (1 - share) / (ROWS * UNITS))
    assert (ones == 0).mean() == pytest.approx(share, abs=within)
    np.testing.assert_allclose(ones[ones > 0], 1 / (1 - share), rtol=1e-6)


def test_every_row_and_every_unit_is_dropped_at_the_rate() -> None:
    drops = dropped((1, 0), 0.5)
    for axis, number in ((0, ROWS), (1, UNITS)):
        # Of hundreds of means, the farthest is about three deviations away.
        assert np.abs(drops.mean(axis=axis) - 0.5).max() < 5 * 0.5 / np.sqrt(number)


def test_rows_units_steps_and_ranks_are_independent() -> None:
    drops = dropped((1, 0), 0.5)
    others = {
        "next row": (drops[1:], drops[:-1]),
        "next unit": (drops[:, 1:], drops[:, :-1]),
        "fourth unit": (drops[:, 4:], drops[:, :-4]),
        "next step": (drops, dropped((1, 1), 0.5)),
        "another seed": (drops, dropped((2, 0), 0.5)),
        "another rank": (drops, dropped((1, 0), 0.5, stream=1)),
    }
    for name, (one, other) in others.items():
        assert abs(correlation(one, other)) < 5 / np.sqrt(one.size), name
    np.testing.assert_array_equal(dropped((1, 0), 0.5), drops)


def test_layers_take_different_bytes() -> None:
    noise = Noise(draw_noise(tf.constant([4, 0], tf.int64), 0, 2 * ROWS * 30))
    one, other = (np.asarray(noise.drop(tf.ones([ROWS, 30]), 0.5)) for _ in range(2))
    assert abs(correlation(one == 0, other == 0)) < 5 / np.sqrt(one.size)


def test_nothing_is_taken_for_a_rate_of_zero() -> None:
    x = tf.ones([2, 3])
    counter = NoiseCounter()
    for noise in (Noise(tf.zeros([0], tf.uint8)), counter):
        assert noise.drop(x, 0.0) is x
    assert counter.columns == 0
    counter.drop(x, 0.1)
    assert counter.columns == 3


@pytest.fixture(params=MODEL_NAMES, scope="module")
def network(request: pytest.FixtureRequest) -> RatingNetwork:
    keras.utils.set_random_seed(5)
    return build_network(request.param, SMALL, SIZES)


def test_a_network_draws_as_much_as_its_layers_take(network: RatingNetwork) -> None:
    indices = tf.ones([5, len(network.inputs_taken)], tf.int32)
    fields = network.fields(indices, network.table(network.looked_up(indices)))
    drawn = network.draw_noise(5)
    network.logits(fields, Noise(drawn))
    assert drawn.shape[0] > 0
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError)):
        network.logits(fields, Noise(drawn[:-1]))


def test_a_restored_network_draws_again_what_it_drew(network: RatingNetwork) -> None:
    indices = tf.ones([200, len(network.inputs_taken)], tf.int32)

    def draw() -> list[npt.NDArray[np.int32]]:
        return [np.asarray(network.draw_noise(9)), np.asarray(network.drop_identities(indices))]

    before = [np.asarray(v) for v in network.variables]
    first, second = draw(), draw()
    for variable, value in zip(network.variables, before, strict=True):
        variable.assign(value)
    again = draw()
    assert all(not np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


def test_ranks_hide_other_users_and_movies(network: RatingNetwork) -> None:
    indices = tf.ones([400, len(network.inputs_taken)], tf.int32)
    before = [np.asarray(v) for v in network.variables]
    hidden = []
    for rank in range(2):
        for variable, value in zip(network.variables, before, strict=True):
            variable.assign(value)
        hidden.append(np.asarray(network.drop_identities(indices, rank))[:, :2] == 0)
    hidden += [np.roll(hidden[0], 1, axis=1)]
    for one, other in itertools.combinations(hidden, 2):
        assert abs(correlation(one, other)) < 5 / np.sqrt(one.size)
