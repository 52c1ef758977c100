"""Through real spark-submit, Delta, Petastorm and Horovod with two ranks, on a small world."""

import csv
import re
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

import pytest
from launching import ROOT, Launch, numbers
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from mmdin.config import load_config
from mmdin.predictors import NAIVE
from mmdin.schemas import (
    ATTENTION_WEIGHTS,
    PAIR_SCORES,
    PREDICTIONS,
    RATINGS,
    REJECTED_PAIRS,
    VALIDATION_PREDICTIONS,
)
from mmdin.sql.prompt import Prompt
from mmdin.tables import Tables
from mmdin.variants import plan_variants
from spark_jobs import build_states, score

SEEDS = 2
VARIANTS = {"MMDIN": "mmdin", "shuffled posters": "neural_cf"}
MOST_JOBS = 170
"""What the stages may start together, without those that build the second set of samples."""

RATED = ("userId", "movieId", "rating", "timestamp")
NEW_USER, NO_MOVIE = 1_000_000, 2_000_000
"""A user of whom the only ratings came after training, and a movie that nobody listed."""


@dataclass(frozen=True)
class Predicted:
    """What job predict printed and wrote, and what it was given.

    Attributes:
        output: what it printed.
        scores: rows of pair_scores.
        rejected: rows of rejected_pairs.
        test_rows: predictions whose pairs and moments were given.
        last: the second of the newest rating that the pipeline had.
    """

    output: str
    scores: list[Row]
    rejected: list[Row]
    test_rows: list[Row]
    last: int


pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def pairs_without_moment(movies: Set[int]) -> list[tuple[int, int]]:
    """Two known users and a new one, with movies of test rows and one that nobody listed."""
    return [
        (user, movie) for user in (4, 8, NEW_USER) for movie in (*sorted(movies)[:11], NO_MOVIE)
    ]


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
    assert len(re.findall(r"== \w+: unchanged, skipped", rerun)) == 9
    assert numbers(r"== all stages: [\d.]+ s, (\d+) Spark jobs", rerun) == [0]


def test_a_pipeline_starts_few_spark_jobs(output: str) -> None:
    of_stages = re.findall(r"== (\w+): [\d.]+ s, (\d+) Spark jobs", output)
    jobs = {stage: int(count) for stage, count in of_stages}
    assert len(jobs) == 9
    after_the_kill = ("train", "score", "evaluate", "report")
    of_start = numbers(r"== all stages: [\d.]+ s, (\d+) Spark jobs", output)
    assert of_start == [sum(jobs[stage] for stage in after_the_kill)]
    assert sum(jobs.values()) - jobs["build_samples_shuffled_posters"] < MOST_JOBS


@pytest.fixture(scope="module")
def scored_twice(spark: SparkSession, rerun: str, folder: Path) -> list[tuple[set[Row], list[Row]]]:
    """Rows of each table of scores, as of the pipeline, and after the stage was run once more.

    The pipeline that is run again has to see these tables unchanged, and comes before.
    """
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


@pytest.fixture(scope="module")
def predicted(
    spark: SparkSession, launch: Launch, rerun: str, folder: Path, environment: dict[str, str]
) -> Predicted:
    """Test rows as pairs with their moments, and pairs as of now, after ratings that came later."""
    tables = Tables(spark, str(folder / ROOT))
    second = F.unix_timestamp("rated_at").alias("second")
    scored = tables.read(PREDICTIONS).where("model = 'mmdin' AND user_id % 4 = 0")
    rows = scored.select("*", second).collect()
    movies = {row["movie_id"] for row in rows}
    lines = {f"{r['user_id']},{r['movie_id']},{r['second']}" for r in rows}
    lines |= {f"{user},{movie}," for user, movie in pairs_without_moment(movies)} | {"1,one,"}
    (folder / "pairs.csv").write_text("\n".join(("user_id,movie_id,rated_at", *lines, "")))
    last = tables.read(RATINGS).select(F.max(second)).collect()[0][0]
    rated = [f"{NEW_USER},{movie},5.0,{last + 60}" for movie in movies]
    (folder / "later").mkdir()
    (folder / "later/ratings.csv").write_text("\n".join((",".join(RATED), *rated, "")))
    settings = ("predict.pairs=pairs.csv", "predict.ratings=later", "predict.run=MMDIN")
    options = ("--conf", "small.yaml", "--set", *settings)
    ended = launch("local.sh", "predict", *options, environment=environment)
    assert ended.returncode == 0, ended.stdout[-6000:]
    scores = tables.read(PAIR_SCORES).withColumn("second", F.unix_timestamp("as_of")).collect()
    return Predicted(ended.stdout, scores, tables.read(REJECTED_PAIRS).collect(), rows, last)


def test_a_pair_at_the_moment_of_a_test_row_gets_its_score(predicted: Predicted) -> None:
    (run_id,) = {row["run_id"] for row in predicted.scores}
    assert f"predict: run {run_id} (mmdin, validation ROC AUC 0." in predicted.output
    of_run = [row for row in predicted.test_rows if row["run_id"] == run_id]
    found, expected = (
        {(r["user_id"], r["movie_id"], r["second"]): r["score"] for r in rows}
        for rows in (predicted.scores, of_run)
    )
    assert len(found) == len(predicted.scores) == len(expected) + 3 * 12
    assert {key: found[key] for key in expected} == pytest.approx(expected, abs=1e-6)


def test_pairs_that_training_never_saw_are_scored_and_bad_ones_set_aside(
    predicted: Predicted,
) -> None:
    of_new_user = [r for r in predicted.scores if r["user_id"] == NEW_USER]
    assert {(r["movie_id"] == NO_MOVIE, r["movie_known"]) for r in of_new_user} >= {
        (True, False),
        (False, True),
    }
    for row in of_new_user:
        assert (row["user_known"], row["second"]) == (False, predicted.last + 61)
        assert 0 < row["score"] < 1
    assert [tuple(r) for r in predicted.rejected] == [
        ("pairs.csv", "1,one,", "movie_id is not a whole number")
    ]
    assert "movie_id is not a whole number" in predicted.output


@pytest.fixture(scope="module")
def asked_in_sql(spark: SparkSession, predicted: Predicted, folder: Path) -> list[Row]:
    """The pairs without moment, scored by mmdin_score as of one second after the last rating."""
    root = str(folder / ROOT)
    settings = [f"root={root}", f"predict.ratings={folder / 'later'}"]
    plan = plan_variants(load_config(str(folder / "small.yaml"), settings))
    build_states.run(spark, plan.sample_sets()[0])
    pairs = pairs_without_moment({row["movie_id"] for row in predicted.test_rows})
    spark.createDataFrame(pairs, "user_id long, movie_id long").createOrReplaceTempView("pairs_now")
    run_id = predicted.scores[0]["run_id"]
    assert Prompt(spark, root, ()).run("SELECT 1 AS one, mmdin_score(4, 8) AS score")
    return spark.sql(
        f"SELECT user_id, movie_id, mmdin_score(user_id, movie_id, '{run_id}') AS score, "
        "mmdin_score(user_id, movie_id) AS of_best FROM pairs_now"
    ).collect()


def test_mmdin_score_in_sql_is_the_score_of_job_predict(
    asked_in_sql: list[Row], predicted: Predicted
) -> None:
    of_now = [row for row in predicted.scores if row["second"] == predicted.last + 61]
    by_job, by_sql = (
        {(row["user_id"], row["movie_id"]): row["score"] for row in rows}
        for rows in (of_now, asked_in_sql)
    )
    assert len(by_job) == 3 * 12
    assert by_sql == pytest.approx(by_job, abs=1e-6)
    assert [row["of_best"] for row in asked_in_sql] == [row["score"] for row in asked_in_sql]


@pytest.mark.usefixtures("asked_in_sql")
def test_mmdin_score_of_a_run_that_is_not_there_names_those_that_are(
    spark: SparkSession, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prompt = Prompt(spark, str(folder / ROOT), ())
    assert not prompt.run("SELECT mmdin_score(4, 8, 'dnn') AS score")
    assert "no finished run dnn on the newest samples; there are mmdin, mmdin-" in (
        capsys.readouterr().err
    )


def test_sql_answers_until_a_mistake_which_is_one_message(
    launch: Launch, output: str, rerun: str
) -> None:
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
