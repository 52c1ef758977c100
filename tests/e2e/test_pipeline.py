"""Through real spark-submit, Delta, Petastorm and Horovod with two ranks, on a small world."""

import csv
import re
from pathlib import Path

import pytest
from launching import ROOT, Launch, numbers
from pyspark.sql import Row, SparkSession

from mmdin.config import load_config
from mmdin.predictors import NAIVE
from mmdin.schemas import (
    ATTENTION_WEIGHTS,
    PREDICTIONS,
    VALIDATION_PREDICTIONS,
)
from mmdin.tables import Tables
from mmdin.variants import plan_variants
from spark_jobs import score

SEEDS = 2
VARIANTS = {"MMDIN": "mmdin", "shuffled posters": "neural_cf"}
MOST_JOBS = 135
"""What the stages may start together, without those that build the second set of samples."""

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


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
    assert sorted(networks) == sorted([*VARIANTS.values()] * SEEDS)


def test_all_models_and_predictors_are_in_the_table(output: str, folder: Path) -> None:
    with (folder / ROOT / "report/metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {r["variant"]: r["model"] for r in rows if r["variant"] in VARIANTS} == VARIANTS
    assert {r["variant"] for r in rows} == {*VARIANTS, *NAIVE, "best_possible"}
    roc_auc: dict[str, list[float]] = {}
    for row in rows:
        roc_auc.setdefault(row["variant"], []).append(float(row["roc_auc"]))
    for of_seeds in roc_auc.values():
        assert f"{sum(of_seeds) / len(of_seeds):.4f}" in output
    assert roc_auc["constant"] == [0.5]
    (best,) = roc_auc.pop("best_possible")
    assert all(value < best for of_seeds in roc_auc.values() for value in of_seeds)
    assert min(roc_auc["MMDIN"]) > 0.55


def test_progress_and_configuration_are_shown(output: str) -> None:
    assert "batch_size: 64" in output
    assert "2 ranks x 64 rows = global batch 128" in output
    progress = r"MMDIN, seed 2  epoch +1/3 +[\d,]+ rows/s  loss [\d.]+  validation loss"
    assert re.search(progress, output)


def test_running_again_skips_every_stage_without_a_spark_job(rerun: str) -> None:
    assert len(re.findall(r"== \w+: unchanged, skipped", rerun)) == 8
    assert numbers(r"== all stages: [\d.]+ s, (\d+) Spark jobs", rerun) == [0]


def test_a_pipeline_starts_few_spark_jobs(output: str) -> None:
    of_stages = re.findall(r"== (\w+): [\d.]+ s, (\d+) Spark jobs", output)
    jobs = {stage: int(count) for stage, count in of_stages}
    assert len(jobs) == 8
    after_the_kill = ("train", "score", "evaluate", "report")
    of_start = numbers(r"== all stages: [\d.]+ s, (\d+) Spark jobs", output)
    assert of_start == [sum(jobs[stage] for stage in after_the_kill)]
    assert sum(jobs.values()) - jobs["build_samples_shuffled_posters"] < MOST_JOBS


@pytest.fixture(scope="module")
def scored_twice(spark: SparkSession, folder: Path) -> list[tuple[set[Row], list[Row]]]:
    """Rows of each table of scores, as of the pipeline, and after the stage was run once more."""
    config = load_config(str(folder / "small.yaml"), [f"root={folder / ROOT}"])
    tables = Tables.of(spark, config)
    scores = (PREDICTIONS, VALIDATION_PREDICTIONS, ATTENTION_WEIGHTS)
    before = [set(tables.read(table).collect()) for table in scores]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # The runs' checkpoints are at relative paths.
        score.run(spark, plan_variants(config))
    return [(rows, tables.read(t).collect()) for rows, t in zip(before, scores, strict=True)]


def test_scoring_twice_changes_and_duplicates_nothing(
    scored_twice: list[tuple[set[Row], list[Row]]], output: str
) -> None:
    for before, after in scored_twice:
        assert len(after) == len(before) > 0
        assert set(after) == before
    scored = re.findall(r"score: ([\d,]+) rows of \S+ into predictions", output)
    assert sum(int(n.replace(",", "")) for n in scored) == len(scored_twice[0][0])


def test_sql_answers_until_a_mistake_which_is_one_message(launch: Launch, output: str) -> None:
    scored = re.findall(r"score: ([\d,]+) rows of \S+ into predictions", output)
    count = (
        "SELECT concat('rows=', count(*)) AS n FROM predictions; "
        "SELECT name, version, path FROM run_inputs"
    )
    wrong, after = "SELECT nonsense FROM metrics", "SELECT 'after the mistake' AS text"
    ended = launch("sql.sh", f"{count}; {wrong}; {after}", "--root", ROOT, "--run", "mmdin")
    assert re.search(rf"samples +\|0 +\|{ROOT}/tables/samples +\|", ended.stdout)
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
