"""An experiment that is killed in the middle, against a pipeline that is left alone."""

import csv
import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from launching import ENVIRONMENT, Launch, command

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

METRICS = ("roc_auc", "pr_auc", "gauc", "log_loss", "best_f1", "best_threshold")
VARIANTS = ("MMDIN", "NeuralCF")
ROOT = "build/disturbed"


@dataclass(frozen=True)
class Resumed:
    """An experiment that was killed and started again.

    Attributes:
        output: of the second start.
        results: of the runs that had ended when it was killed, by checkpoint.
    """

    output: str
    results: dict[Path, bytes]


@pytest.fixture(scope="module")
def experiment(folder: Path, output: str) -> tuple[str, ...]:
    """The command of a small experiment on the pipeline's tables, two of whose variants it has.

    The pipeline's seed comes second: its run of MMDIN is the one that is interrupted.
    """
    configuration = yaml.safe_load((folder / "small.yaml").read_text())
    configuration["input"] = {"tables": "build/small"}
    variants = configuration["experiment"]["variants"]
    configuration["experiment"]["variants"] = {v: variants[v] for v in VARIANTS}
    configuration["training"]["seeds"] = [2, 1]
    (folder / "seeds.yaml").write_text(yaml.safe_dump(configuration, sort_keys=False))
    return ("local.sh", "experiment", "--conf", "seeds.yaml", "--set", f"root={ROOT}")


@pytest.fixture(scope="module")
def resumed(launch: Launch, experiment: tuple[str, ...], folder: Path) -> Resumed:
    kill_while_second_network_trains(experiment, folder)
    ended = {p: p.read_bytes() for p in (folder / ROOT).glob("checkpoints/*/result.json")}
    again = launch(*experiment)
    assert again.returncode == 0, again.stdout[-6000:]
    return Resumed(again.stdout, ended)


def results(folder: Path, root: str) -> dict[tuple[str, str], list[float]]:
    """Metrics by variant and seed."""
    with (folder / root / "report" / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {(r["variant"], r["seed"]): [float(r[m]) for m in METRICS] for r in rows}


def test_every_variant_and_seed_is_compared(resumed: Resumed, folder: Path) -> None:
    measured = results(folder, ROOT)
    assert set(measured) == {(v, s) for v in VARIANTS for s in ("1", "2")} | {
        (p, "") for p in ("constant", "movie_mean", "mean_of_means", "best_possible")
    }
    assert "Means over 2 training seeds" in resumed.output
    assert "2 runs" not in resumed.output
    assert measured["MMDIN", "1"] != measured["MMDIN", "2"]
    assert measured["MMDIN", "1"] != measured["NeuralCF", "1"]


def test_killed_and_started_again_it_ends_with_the_same_numbers(
    resumed: Resumed, folder: Path
) -> None:
    undisturbed, disturbed = results(folder, "build/small"), results(folder, ROOT)
    common = undisturbed.keys() & disturbed.keys()
    assert {("MMDIN", "1"), ("NeuralCF", "1"), ("movie_mean", "")} <= common
    assert {key: disturbed[key] for key in common} == {key: undisturbed[key] for key in common}


def test_what_had_ended_is_not_done_again(resumed: Resumed) -> None:
    ended = re.search(r"4 runs, of which (\d) ended before", resumed.output)
    assert ended and int(ended[1]) == len(resumed.results) in (1, 2, 3)
    assert all(path.read_bytes() == result for path, result in resumed.results.items())
    assert "build_samples: unchanged, skipped" in resumed.output


def kill_while_second_network_trains(
    experiment: tuple[str, ...], folder: Path, patience: float = 400
) -> None:
    """Start an experiment and kill all of its processes after the first epoch of its second run."""
    log = folder / "killed.log"
    with log.open("w") as console:
        process = subprocess.Popen(
            command(*experiment),
            cwd=folder,
            env=ENVIRONMENT,
            stdout=console,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        deadline = time.monotonic() + patience
        while len(re.findall(r"  epoch +1/", log.read_text())) < 2:
            assert process.poll() is None, log.read_text()[-6000:]
            assert time.monotonic() < deadline, "no second network trains"
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
