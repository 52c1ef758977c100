"""Training that is stopped after an epoch and resumed, against training that is not stopped.

Threads add numbers in any order, so equal is to the seventh digit here; ranks of one thread end
with equal bits (tests/cluster).
"""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from math import isnan, nan
from pathlib import Path

import numpy as np
import pytest
from one_rank import OneRank
from samples_files import folder_of, make_assignment, write_samples
from stopping import train, train_until

from mmdin.errors import ClusterError
from mmdin.training.assignment import Assignment, Epoch, TrainingResult
from mmdin.training.rank import checkpointing, loop
from mmdin.training.rank.step import Steps
from mmdin.training.ranks import TrainingFailedError
from mmdin.training.state import TrainingState, delete_state, has_state, read_state


def weights(assignment: Assignment) -> list[np.ndarray]:
    from mmdin.models.checkpoint import load_network

    return [np.asarray(v) for v in load_network(folder_of(assignment)).weights]


def saved_state(assignment: Assignment) -> tuple[TrainingState, list[np.ndarray]]:
    """The saved state and the values of all variables, of which each is one block here."""
    values: list[np.ndarray] = []
    state = read_state(folder_of(assignment), lambda number, start, block: values.append(block))
    assert state
    return state, values


def without_times(outcome: TrainingResult) -> list[tuple[float, ...]]:
    return [
        (e.epoch, e.learning_rate, e.train_loss, e.validation_loss, e.validation_roc_auc)
        for e in outcome.epochs
    ]


@pytest.mark.parametrize(("model", "saved"), [("mmdin", True), ("deepfm", False)])
def test_resumed_training_ends_with_the_same_weights(
    tmp_path: Path, model: str, saved: bool
) -> None:
    """Stopped in the third epoch: after its best weights were saved, and before, or at its end."""
    files = write_samples(tmp_path)
    whole = make_assignment(tmp_path, "whole", files, model, epochs=4)
    stopped = make_assignment(tmp_path, "stopped", files, model, epochs=4)
    steps = Steps(OneRank())  # Traced once. A step holds nothing of a network's progress.
    expected = train(whole, steps)
    train_until(stopped, 3, saved, steps)
    resumed = train(stopped, steps)
    np.testing.assert_allclose(without_times(resumed), without_times(expected), rtol=1e-5)
    assert resumed.resumed_after == ((3,) if saved else (2,))
    assert expected.resumed_after == ()
    assert resumed.best_epoch == expected.best_epoch
    for mine, other in zip(weights(stopped), weights(whole), strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-5)
    (state, mine), (_, other) = (saved_state(a) for a in (stopped, whole))
    assert len(state.epochs) == 4
    for one, two in zip(mine, other, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)


def test_a_network_of_another_seed_trains_alike_on_the_step_of_the_one_before(
    tmp_path: Path,
) -> None:
    files = write_samples(tmp_path)
    alone, first, second, other = (
        replace(make_assignment(tmp_path, name, files, model, epochs=2), seed=seed)
        for name, model, seed in (
            ("alone", "din", 2),
            ("first", "din", 1),
            ("second", "din", 2),
            ("other", "neural_cf", 2),
        )
    )
    steps = Steps(OneRank())
    train(first, steps)
    shared = steps.make(first)
    expected, found = train(alone), train(second, steps)
    assert steps.make(second) == shared
    assert steps.make(other) != shared
    np.testing.assert_allclose(without_times(found), without_times(expected), rtol=1e-5)
    for one, two, unlike in zip(weights(second), weights(alone), weights(first), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)
        assert not np.array_equal(one, unlike)


def test_early_stopping_is_resumed_too(tmp_path: Path) -> None:
    files = write_samples(tmp_path)
    assignment = make_assignment(tmp_path, "one", files, epochs=50, patience=1)
    ended = train(assignment)
    assert len(ended.epochs) < 50
    again = train(assignment)
    assert again.epochs == ended.epochs
    assert again.best_epoch == ended.best_epoch
    assert again.resumed_after == (len(ended.epochs),)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_is_reported_and_saved_epochs_remain(
    tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assignment = make_assignment(small_disk, "one", write_samples(tmp_path), epochs=3)
    leave = checkpointing.write_state

    def fill_disk_after_second_epoch(folder, state, variables) -> None:
        leave(folder, state, variables)
        if len(state.epochs) == 2:
            (small_disk / "filler").write_bytes(bytes(shutil.disk_usage(small_disk).free))

    monkeypatch.setattr(checkpointing, "write_state", fill_disk_after_second_epoch)
    message = (
        r"cannot write .*small/one/.*: No space left on device. .*resumed after the last epoch"
    )
    with pytest.raises(ClusterError, match=message):
        train(assignment)
    monkeypatch.undo()
    (small_disk / "filler").unlink()
    outcome = train(assignment)
    assert len(outcome.epochs) == 3
    assert outcome.resumed_after == (2,)


def test_the_state_of_an_ended_network_can_be_deleted(tmp_path: Path) -> None:
    assignment = make_assignment(tmp_path, "one", write_samples(tmp_path), epochs=1)
    train(assignment)
    folder = folder_of(assignment)
    assert has_state(folder)
    delete_state(folder)
    assert not has_state(folder)
    assert read_state(folder) is None


def test_a_network_that_diverges_at_once_is_refused(tmp_path: Path) -> None:
    diverging = make_assignment(
        tmp_path, "diverging", write_samples(tmp_path), "neural_cf", learning_rate=1e38, epochs=2
    )
    with pytest.raises(
        TrainingFailedError, match=r"neural_cf: the loss of the first epoch is .*learning_rate"
    ):
        train(diverging)
    assert not (folder_of(diverging).files.exists(f"{diverging.checkpoint}/result.json"))


def test_epochs_are_compared_by_loss_if_validation_rows_are_of_one_class() -> None:
    epochs = [
        Epoch(n, 0.1, 0.5, loss, auc, 1.0, 1.0)
        for n, (loss, auc) in enumerate([(0.7, 0.6), (0.6, 0.5), (0.5, nan), (0.4, nan)], 1)
    ]
    quality = [loop.quality(epoch) for epoch in epochs]
    assert quality == [0.6, 0.5, -0.5, -0.4]
    assert isnan(loop.quality(Epoch(1, 0.1, nan, nan, nan, 1.0, 1.0)))
