"""Through real spark-submit, Delta, Petastorm and Horovod with two ranks, on a small world."""

import csv
import re
from pathlib import Path

import pytest
from launching import Launch

MODELS = ("neural_cf", "embedding_mlp", "deepfm", "din", "mmdin")
NAIVE = ("constant", "movie_mean", "mean_of_means")

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def numbers(pattern: str, text: str) -> list[int]:
    found = re.search(pattern, text)
    assert found, f"{pattern} is not in:\n{text}"
    return [int(n.replace(",", "")) for n in found.groups()]


def test_every_rating_is_accounted_for_from_file_to_prediction(output: str, folder: Path) -> None:
    read, kept, rejected = numbers(
        r"ratings\.csv: (\d+) rows read = (\d+) kept \+ (\d+) rejected", output
    )
    lines = (folder / "input/movielens/ratings.csv").read_bytes().count(b"\n") - 1
    assert read == lines
    assert read == kept + rejected
    assert rejected > 0
    (in_scope,) = numbers(r"([\d,]+) ratings in scope", output)
    (without_poster,) = numbers(r"([\d,]+) ratings no poster", output)
    assert kept == in_scope + without_poster
    split = {s: numbers(rf"([\d,]+) {s} rows", output)[0] for s in ("train", "validation", "test")}
    assert sum(split.values()) == in_scope
    for model in (*NAIVE, "best_possible"):
        assert numbers(rf"score: ([\d,]+) rows of {model} into predictions", output) == [
            split["test"]
        ]
    for model in MODELS:
        assert numbers(rf"score: ([\d,]+) rows of {model}-\S+ into predictions", output) == [
            split["test"]
        ]


def test_all_models_and_predictors_are_in_the_table(output: str, folder: Path) -> None:
    with (folder / "build/small/report/metrics.csv").open() as file:
        metrics = {row["model"]: row for row in csv.DictReader(file)}
    assert set(metrics) == {*MODELS, *NAIVE, "best_possible"}
    for model in metrics:
        assert f"{float(metrics[model]['roc_auc']):.4f}" in output
    assert float(metrics["constant"]["roc_auc"]) == 0.5
    best = float(metrics["best_possible"]["roc_auc"])
    assert all(float(metrics[m]["roc_auc"]) < best for m in (*MODELS, *NAIVE))
    assert float(metrics["mmdin"]["roc_auc"]) > 0.55


def test_progress_and_configuration_are_shown(output: str) -> None:
    assert "batch_size: 256" in output
    assert "2 ranks x 256 rows = global batch 512" in output
    assert re.search(r"mmdin  epoch +1/2 +[\d,]+ rows/s  loss [\d.]+  validation loss", output)


def test_running_again_skips_every_stage(launch: Launch, output: str, folder: Path) -> None:
    for job, stages in (("make_demo_data", 1), ("pipeline", 8)):
        again = launch("local.sh", job, "--conf", "small.yaml")
        assert again.returncode == 0, again.stdout
        assert len(re.findall(r"== \w+: unchanged, skipped", again.stdout)) == stages


def test_scoring_twice_duplicates_nothing(launch: Launch, output: str, folder: Path) -> None:
    scored = re.findall(r"score: ([\d,]+) rows of \S+ into predictions", output)
    ended = launch("local.sh", "score", "--conf", "small.yaml")
    assert ended.returncode == 0, ended.stdout
    sql = "SELECT concat('rows=', count(*)) AS n FROM predictions"
    shown = launch("sql.sh", sql, "--root", "build/small")
    assert shown.returncode == 0, shown.stdout
    assert numbers(r"rows=(\d+)", shown.stdout) == [sum(int(n.replace(",", "")) for n in scored)]


def test_sql_mistakes_are_one_message(launch: Launch, output: str, folder: Path) -> None:
    wrong = launch("sql.sh", "SELECT nonsense FROM metrics", "--root", "build/small")
    assert wrong.returncode == 1
    assert "nonsense" in wrong.stdout
    assert "Traceback" not in wrong.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("train", "--conf", "small.yaml", "--set", "training.rank=2"),
            "did you mean training.ranks",
        ),
        (("train", "--conf", "nowhere.yaml"), "nowhere.yaml: cannot be read"),
        (("trian", "--conf", "small.yaml"), "did you mean train?"),
        (
            ("ingest_ratings", "--conf", "small.yaml", "--set", "input.movielens=no/such"),
            "no/such",
        ),
    ],
)
def test_mistakes_end_with_one_message_and_status_2(
    launch: Launch, folder: Path, arguments: tuple[str, ...], said: str
) -> None:
    ended = launch("local.sh", *arguments)
    assert ended.returncode == 2
    assert said in ended.stdout
    assert "Traceback" not in ended.stdout
