"""One small experiment, run through the real pipeline once for all tests of this folder."""

import functools
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
import yaml
from holding import Hold, wait_for
from launching import ENVIRONMENT, ROOT, Disturbed, Launch, command
from once import Once
from properties import properties_file
from pyspark.sql import SparkSession
from wheel import build_wheel, install_wheel

from mmdin.config import load_config
from mmdin.variants import plan_variants
from spark_jobs import export

CONFIGURATION = {
    "input": {"movielens": "input/movielens", "posters": "input/posters"},
    "world": {"users": 120, "movies": 300, "ratings": 5_000},
    "networks": {
        "embedding_size": 8,
        "hidden_units": [32],
        "attention_units": [8],
        "width": 32,
        "heads": 2,
        "blocks": 1,
    },
    "training": {"batch_size": 64, "epochs": 3, "learning_rate": 0.003, "seeds": [2, 1]},
    "experiment": {
        "question": "What are posters worth?",
        "variants": {
            "MMDIN": {"training.models": "mmdin"},
            # Of the second set of samples. A network without posters is trained soonest.
            "shuffled posters": {
                "training.models": "neural_cf",
                "samples.shuffle_posters": True,
            },
        },
    },
}


@pytest.fixture(scope="session")
def experiment(once: Once) -> Path:
    """The folder of the experiment. Tests that change tables do it in a copy: see `folder`."""
    with once("experiment") as (folder, is_new):
        if is_new:
            folder.mkdir()
            run_experiment(folder)
    return folder


@pytest.fixture(scope="module")
def folder(experiment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the experiment's folder for the tests of one file, which may change it."""
    folder = tmp_path_factory.mktemp("e2e") / "experiment"
    return Path(shutil.copytree(experiment, folder))


@pytest.fixture(scope="module")
def disturbed(folder: Path) -> Disturbed:
    """The experiment, from an invented world to the report, killed in between."""
    return Disturbed.read(folder)


@pytest.fixture(scope="module")
def environment(folder: Path) -> dict[str, str]:
    """Environment variables of jobs on the small world."""
    return with_properties(folder / "spark.conf", {})


@pytest.fixture(scope="module")
def launch(folder: Path) -> Launch:
    """Run a script of submit/ in the folder, to its end."""
    return functools.partial(run_in, folder)


def run_experiment(folder: Path) -> None:
    """Run the experiment in a folder, and write there what Disturbed reads."""
    (folder / "small.yaml").write_text(yaml.safe_dump(CONFIGURATION, sort_keys=False))
    environment, options = with_properties(folder / "spark.conf", {}), ("--conf", "small.yaml")
    made = run_in(folder, "local.sh", "make_demo_data", *options, environment=environment)
    assert made.returncode == 0, made.stdout[-6000:]
    killed = kill_in_second_run(command("local.sh", "experiment", *options), folder)
    results = {
        str(path.relative_to(folder)): path.read_text()
        for path in (folder / ROOT).glob("checkpoints/*/result.json")
    }
    resumed = run_in(folder, "local.sh", "experiment", *options, environment=environment)
    assert resumed.returncode == 0, resumed.stdout[-6000:]
    Disturbed(killed, resumed.stdout, results).write(folder)


def run_in(
    folder: Path, script: str, *arguments: str, environment: dict[str, str] = ENVIRONMENT
) -> subprocess.CompletedProcess[str]:
    """Run a script of submit/ in a folder, to its end."""
    # In client mode Spark hands on a Python application's errors as its output.
    return subprocess.run(
        command(script, *arguments),
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=840,
        check=False,
    )


def with_properties(path: Path, settings: dict[str, str]) -> dict[str, str]:
    """Environment variables of a job with more properties of Spark, which are written to a file."""
    return {**ENVIRONMENT, "MMDIN_SPARK_PROPERTIES": str(properties_file(path, settings))}


def kill_in_second_run(command: list[str], folder: Path) -> str:
    """Start an experiment, kill all of its processes in its second run, and return its output."""
    log, hold = folder / "killed.log", Hold(folder, after_runs=1)
    with log.open("w") as console:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=with_properties(folder / "held.conf", hold.properties),
            stdout=console,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        wait_for(hold.is_reached, process, log)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return log.read_text()


@pytest.fixture(scope="module")
def output(disturbed: Disturbed) -> str:
    """What the experiment printed, in both of its starts."""
    return disturbed.killed + disturbed.resumed


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command mmdin of the project's wheel, installed outside the clone."""
    folder = tmp_path_factory.mktemp("wheel")
    return install_wheel(build_wheel(folder), folder / "environment")


@pytest.fixture(scope="module")
def rerun(experiment: Path, installed: Path, environment: dict[str, str]) -> str:
    """The output of the same stages run again, by the job pipeline of the installed wheel.

    They have nothing to do, and leave the experiment as it is. In a copy all is new to them.
    """
    alone = {name: value for name, value in environment.items() if name != "PYTHONPATH"}
    options = ("--conf", "small.yaml")
    ended = run_in(experiment, str(installed), "pipeline", *options, environment=alone)
    assert ended.returncode == 0, ended.stdout[-6000:]
    return ended.stdout


@pytest.fixture(scope="module")
def exported(spark: SparkSession, disturbed: Disturbed, folder: Path) -> Path:
    """The best run of the variant MMDIN, exported."""
    settings = [f"root={folder / ROOT}", "export.run=MMDIN", "export.licence=CC BY 4.0"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        export.run(spark, plan_variants(load_config(str(folder / "small.yaml"), settings)))
    (run,) = (folder / ROOT / "exports").iterdir()
    return run
