"""The means of weights, against sums over all the weights that there were."""

import numpy as np
import pytest
from samples_files import SIZES, SMALL, folder_of, make_assignment, write_samples
from stopping import train

from mmdin.models import build_network, embedding
from mmdin.models.checkpoint import load_network
from mmdin.models.network import RatingNetwork
from mmdin.storage import blocks
from mmdin.training.rank.averaging import AveragedNetwork

Weights = list[np.ndarray]


def slow_means(weights: list[Weights], share: float) -> Weights:
    """What is left of each update's weights after all later ones, added up."""
    window = 1 / share
    rates = [window / (k + window - 1) for k in range(1, len(weights) + 1)]
    parts = [r * np.prod([1 - later for later in rates[k + 1 :]]) for k, r in enumerate(rates)]
    return [
        sum(part * values for part, values in zip(parts, of_variable, strict=True))
        for of_variable in zip(*weights, strict=True)
    ]


def weights_of(network: RatingNetwork) -> Weights:
    return [np.array(v) for v in network.weights]


def change(network: RatingNetwork, generator: np.random.Generator) -> Weights:
    """Give a network random weights, and return them."""
    for variable in network.weights:
        variable.assign(generator.normal(size=variable.shape))
    return weights_of(network)


def assert_close(mine: Weights, others: Weights) -> None:
    for one, other in zip(mine, others, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("share", [0.2, 1.0])
def test_means_are_those_of_all_updates_by_their_share(
    monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    monkeypatch.setattr(embedding, "LARGE", 8)  # separate tables, of three blocks or more
    monkeypatch.setattr(blocks, "_BLOCK_BYTES", 120)
    trained = build_network("mmdin", SMALL, SIZES)
    averaged, generator = AveragedNetwork(trained, share), np.random.default_rng(3)
    for _ in range(2):  # what was before a restart does not count
        given = []
        for step in range(1, 8):
            given.append(change(trained, generator))
            averaged.after_step(step, 7)
        assert_close(weights_of(averaged.network), slow_means(given, share))
        assert_close(weights_of(trained), given[-1])
        for variable in trained.weights:  # training that diverged
            variable.assign(np.full(variable.shape, np.nan))
        averaged.after_step(1, 1)
        change(trained, generator)
        averaged.restart()


def test_means_are_of_one_step_in_twenty_of_an_epoch() -> None:
    trained = build_network("embedding_mlp", SMALL, SIZES)
    averaged, generator = AveragedNetwork(trained, 0.2), np.random.default_rng(3)
    given = [change(trained, generator) for _ in range(65)]
    for step, weights in enumerate(given, 1):
        for variable, values in zip(trained.weights, weights, strict=True):
            variable.assign(values)
        averaged.after_step(step, len(given))
    assert_close(weights_of(averaged.network), slow_means(given[2::3], 0.2))


def test_without_averaging_the_trained_network_is_scored() -> None:
    trained = build_network("din", SMALL, SIZES)
    averaged = AveragedNetwork(trained, 0)
    averaged.after_step(1, 1)
    assert averaged.network is trained
    assert averaged.state == []


def test_the_means_of_the_best_epoch_are_saved(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    update, given = AveragedNetwork._update, []

    def record(averaged: AveragedNetwork) -> None:
        given.append([np.array(v) for v in averaged._weights])
        update(averaged)

    monkeypatch.setattr(AveragedNetwork, "_update", record)
    assignment = make_assignment(tmp_path, "averaged", write_samples(tmp_path), "deepfm")
    outcome = train(assignment)
    updates = len(given) // len(outcome.epochs)
    assert updates == 9  # one a step
    saved = weights_of(load_network(folder_of(assignment)))
    share = assignment.config.training.averaging
    assert_close(saved, slow_means(given[: updates * outcome.best_epoch], share))
