"""One small world, run through the real pipeline once for all tests of this folder."""

import subprocess
from pathlib import Path

import pytest
import yaml
from launching import ENVIRONMENT, Launch, command


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("e2e")
    configuration = {
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
        "training": {"batch_size": 64, "epochs": 3, "learning_rate": 0.003},
        "experiment": {
            "question": "What are posters worth?",
            "variants": {
                "NeuralCF": {"training.models": "neural_cf"},
                "MMDIN": {"training.models": "mmdin"},
                "shuffled posters": {
                    "training.models": "mmdin",
                    "samples.shuffle_posters": True,
                },
            },
        },
    }
    (folder / "small.yaml").write_text(yaml.safe_dump(configuration))
    return folder


@pytest.fixture(scope="session")
def launch(folder: Path) -> Launch:
    """Run a script of submit/ in the folder, to its end."""

    def launch(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        # In client mode Spark hands on a Python application's errors as its output.
        return subprocess.run(
            command(script, *arguments),
            cwd=folder,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=840,
            check=False,
        )

    return launch


@pytest.fixture(scope="session")
def output(launch: Launch) -> str:
    """The pipeline's output, from an invented world to the report."""
    for job in ("make_demo_data", "pipeline"):
        ended = launch("local.sh", job, "--conf", "small.yaml")
        assert ended.returncode == 0, ended.stdout[-6000:]
    return ended.stdout


@pytest.fixture(scope="session")
def rerun(launch: Launch, output: str) -> str:
    """The output of the same pipeline run again."""
    ended = launch("local.sh", "pipeline", "--conf", "small.yaml")
    assert ended.returncode == 0, ended.stdout[-6000:]
    return ended.stdout


@pytest.fixture(scope="session")
def scored_again(launch: Launch, rerun: str) -> None:
    """The job score run once more on its own, after what has to see its tables unchanged."""
    ended = launch("local.sh", "score", "--conf", "small.yaml")
    assert ended.returncode == 0, ended.stdout[-6000:]
