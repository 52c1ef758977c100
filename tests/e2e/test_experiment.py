"""An experiment that is killed in the middle, against one that is left alone."""

import csv
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from launching import ENVIRONMENT, Launch, command

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

METRICS = ("roc_auc", "pr_auc", "gauc", "log_loss", "best_f1", "best_threshold")


@pytest.fixture(scope="module")
def experiment(folder: Path, output: str) -> tuple[str, ...]:
    """The command of a small experiment on the pipeline's tables."""
    configuration = yaml.safe_load((folder / "small.yaml").read_text())
    configuration["input"] = {"tables": "build/small"}
    configuration["experiment"] = {
        "question": "What are posters worth?",
        "variants": {"MMDIN": {}, "shuffled posters": {"samples.shuffle_posters": True}},
    }
    configuration["training"] |= {"models": "mmdin", "seeds": [1, 2]}
    (folder / "posters.yaml").write_text(yaml.safe_dump(configuration))
    return ("local.sh", "experiment", "--conf", "posters.yaml", "--set")


@pytest.fixture(scope="module")
def undisturbed(launch: Launch, experiment: tuple[str, ...]) -> str:
    ended = launch(*experiment, "root=build/undisturbed")
    assert ended.returncode == 0, ended.stdout[-6000:]
    return ended.stdout


def results(folder: Path, root: str) -> dict[tuple[str, str], list[float]]:
    """Metrics by variant and seed."""
    with (folder / root / "report" / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {(r["variant"], r["seed"]): [float(r[m]) for m in METRICS] for r in rows}


def test_every_variant_and_seed_is_compared(undisturbed: str, folder: Path) -> None:
    found = results(folder, "build/undisturbed")
    variants = ("MMDIN", "shuffled posters")
    assert set(found) == {(v, s) for v in variants for s in ("1", "2")} | {
        (p, "") for p in ("constant", "movie_mean", "mean_of_means", "best_possible")
    }
    assert "Means over 2 training seeds" in undisturbed
    assert "2 runs" not in undisturbed
    assert found["MMDIN", "1"] != found["MMDIN", "2"]
    assert found["MMDIN", "1"] != found["shuffled posters", "1"]


def test_killed_and_started_again_it_ends_with_the_same_numbers(
    undisturbed: str, launch: Launch, experiment: tuple[str, ...], folder: Path
) -> None:
    kill_when_two_networks_ended(experiment, folder, "build/disturbed")
    again = launch(*experiment, "root=build/disturbed")
    assert again.returncode == 0, again.stdout[-6000:]
    assert "4 runs, of which 0 ended before" not in again.stdout
    assert "build_samples: unchanged, skipped" in again.stdout
    assert results(folder, "build/disturbed") == results(folder, "build/undisturbed")


def kill_when_two_networks_ended(
    experiment: tuple[str, ...], folder: Path, root: str, patience: float = 400
) -> None:
    """Start an experiment and, in the middle of its training, kill all of its processes at once."""
    with (folder / "killed.log").open("w") as console:
        process = subprocess.Popen(
            command(*experiment, f"root={root}"),
            cwd=folder,
            env=ENVIRONMENT,
            stdout=console,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        deadline = time.monotonic() + patience
        while len(list((folder / root / "checkpoints").glob("*/result.json"))) < 2:
            assert process.poll() is None, (folder / "killed.log").read_text()[-6000:]
            assert time.monotonic() < deadline
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
