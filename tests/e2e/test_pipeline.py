"""Through real spark-submit, Delta, Petastorm and Horovod with two ranks, on a small world."""

import csv
import re
from pathlib import Path

import pytest
from launching import Launch

VARIANTS = {"NeuralCF": "neural_cf", "MMDIN": "mmdin", "shuffled posters": "mmdin"}
NAIVE = ("constant", "movie_mean", "mean_of_means")
MOST_JOBS = 200
"""What the stages of a pipeline on one set of samples may start together."""

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def numbers(pattern: str, text: str) -> list[int]:
    """The groups of the pattern's first match, which are numbers."""
    match = re.search(pattern, text)
    assert match, f"{pattern} is not in:\n{text}"
    return [int(n.replace(",", "")) for n in match.groups()]


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
    scored = re.findall(r"score: ([\d,]+) rows of (\S+) into predictions", output)
    assert {rows for rows, _ in scored} == {f"{split['test']:,}"}
    run_ids = [run_id for _, run_id in scored]
    assert {*NAIVE, "best_possible"} < set(run_ids)
    networks = [
        run_id.split("-")[0] for run_id in run_ids if run_id.split("-")[0] in VARIANTS.values()
    ]
    assert sorted(networks) == sorted(VARIANTS.values())


def test_all_models_and_predictors_are_in_the_table(output: str, folder: Path) -> None:
    with (folder / "build/small/report/metrics.csv").open() as file:
        metrics = {row["variant"]: row for row in csv.DictReader(file)}
    assert set(metrics) == {*VARIANTS, *NAIVE, "best_possible"}
    assert {v: metrics[v]["model"] for v in VARIANTS} == VARIANTS
    for variant in metrics:
        assert f"{float(metrics[variant]['roc_auc']):.4f}" in output
    assert float(metrics["constant"]["roc_auc"]) == 0.5
    best = float(metrics["best_possible"]["roc_auc"])
    assert all(float(metrics[v]["roc_auc"]) < best for v in (*VARIANTS, *NAIVE))
    assert float(metrics["MMDIN"]["roc_auc"]) > 0.55
    assert metrics["MMDIN"]["roc_auc"] != metrics["shuffled posters"]["roc_auc"]


def test_progress_and_configuration_are_shown(output: str) -> None:
    assert "batch_size: 64" in output
    assert "2 ranks x 64 rows = global batch 128" in output
    assert re.search(r"MMDIN  epoch +1/3 +[\d,]+ rows/s  loss [\d.]+  validation loss", output)


def test_running_again_skips_every_stage_without_a_spark_job(rerun: str) -> None:
    assert len(re.findall(r"== \w+: unchanged, skipped", rerun)) == 9
    assert numbers(r"== all stages: [\d.]+ s, (\d+) Spark jobs", rerun) == [0]


def test_a_pipeline_starts_few_spark_jobs(output: str) -> None:
    of_stages = re.findall(r"== (\w+): [\d.]+ s, (\d+) Spark jobs", output)
    jobs = {stage: int(count) for stage, count in of_stages}
    assert len(jobs) == 9
    assert numbers(r"== all stages: [\d.]+ s, (\d+) Spark jobs", output) == [sum(jobs.values())]
    assert sum(jobs.values()) - jobs["build_samples_shuffled_posters"] < MOST_JOBS


def test_scoring_twice_duplicates_nothing_and_sql_mistakes_are_one_message(
    launch: Launch, output: str, scored_again: None
) -> None:
    scored = re.findall(r"score: ([\d,]+) rows of \S+ into predictions", output)
    count = "SELECT concat('rows=', count(*)) AS n FROM predictions"
    wrong, after = "SELECT nonsense FROM metrics", "SELECT 'after the mistake' AS text"
    ended = launch("sql.sh", f"{count}; {wrong}; {after}", "--root", "build/small")
    assert numbers(r"rows=(\d+)", ended.stdout) == [sum(int(n.replace(",", "")) for n in scored)]
    assert ended.returncode == 1
    assert "nonsense" in ended.stdout
    assert "Traceback" not in ended.stdout
    assert "after the mistake" not in ended.stdout


def test_a_mistake_ends_with_one_message_and_status_2(launch: Launch) -> None:
    missing = ("--set", "input.movielens=no/such", "root=build/mistake")
    ended = launch("local.sh", "ingest_ratings", "--conf", "small.yaml", *missing)
    assert ended.returncode == 2
    assert "no/such" in ended.stdout
    assert "Traceback" not in ended.stdout
