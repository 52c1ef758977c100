"""A pair of user and movie has one score, by whichever way it is asked for.

Table predictions is what the others are compared with: job predict, mmdin_score in SQL, and an
exported model in a process that has TensorFlow alone.
"""

from collections.abc import Set
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alone import score_alone
from launching import ROOT, Launch
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from mmdin.config import load_config
from mmdin.schemas import PAIR_SCORES, PREDICTIONS, RATINGS, REJECTED_PAIRS, SAMPLES
from mmdin.sql.prompt import Prompt
from mmdin.tables import Tables
from mmdin.variants import plan_variants
from spark_jobs import build_states

RATED = ("userId", "movieId", "rating", "timestamp")
NEW_USER, NO_MOVIE = 1_000_000, 2_000_000
"""A user of whom the only ratings came after training, and a movie that nobody listed."""

Pair = tuple[int, int, int]
"""user_id, movie_id, and the second as of which they are scored."""

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class Predicted:
    """What job predict printed and wrote, and what it was given.

    Attributes:
        output: what it printed.
        rows: of pair_scores.
        rejected: rows of rejected_pairs.
        test_rows: predictions of the networks whose pairs and moments were given.
        of_moment: users and movies given with the moment of the last test row.
        last: the second of the newest rating that the pipeline had.
    """

    output: str
    rows: list[Row]
    rejected: list[Row]
    test_rows: list[Row]
    of_moment: Set[tuple[int, int]]
    last: int

    @property
    def run_id(self) -> str:
        """The run that scored."""
        return self.rows[0]["run_id"]

    @property
    def scores(self) -> dict[Pair, float]:
        """Of each pair that was given."""
        return scores_of(self.rows)

    @property
    def expected(self) -> dict[Pair, float]:
        """Those of predictions."""
        return scores_of([row for row in self.test_rows if row["run_id"] == self.run_id])

    @property
    def moment(self) -> int:
        """The second of the last test row."""
        return max(row["second"] for row in self.test_rows)


def scores_of(rows: list[Row]) -> dict[Pair, float]:
    scores = {(r["user_id"], r["movie_id"], r["second"]): r["score"] for r in rows}
    assert len(scores) == len(rows)
    return scores


@pytest.fixture(scope="module")
def predicted(
    spark: SparkSession, launch: Launch, folder: Path, environment: dict[str, str]
) -> Predicted:
    """Test rows and others at their moments, and a new user with ratings that came later."""
    tables = Tables(spark, str(folder / ROOT))
    second = F.unix_timestamp("rated_at").alias("second")
    test_rows = tables.read(PREDICTIONS).where("model = 'mmdin'").select("*", second).collect()
    moment = max(row["second"] for row in test_rows)
    last = {(r["user_id"], r["movie_id"]) for r in test_rows if r["second"] == moment}
    kept = [r for r in test_rows if r["user_id"] % 4 == 0 or r["second"] == moment]
    movies = {row["movie_id"] for row in kept}
    users = {NEW_USER, *(user for user, _ in last)}
    of_moment = last | {(u, m) for u in users for m in (*sorted(movies)[:10], NO_MOVIE)}
    lines = {f"{r['user_id']},{r['movie_id']},{r['second']}" for r in kept}
    lines |= {f"{u},{m},{moment}" for u, m in of_moment}
    lines |= {f"{NEW_USER},{min(movies)},", f"{NEW_USER},{NO_MOVIE},", "1,one,"}
    (folder / "pairs.csv").write_text("\n".join(("user_id,movie_id,rated_at", *lines, "")))
    newest = tables.read(RATINGS).select(F.max(second)).collect()[0][0]
    rated = [f"{NEW_USER},{movie},5.0,{newest + 60}" for movie in movies]
    (folder / "later").mkdir()
    (folder / "later/ratings.csv").write_text("\n".join((",".join(RATED), *rated, "")))
    settings = ("predict.pairs=pairs.csv", "predict.ratings=later", "predict.run=MMDIN")
    options = ("--conf", "small.yaml", "--set", *settings)
    ended = launch("local.sh", "predict", *options, environment=environment)
    assert ended.returncode == 0, ended.stdout[-6000:]
    rows = tables.read(PAIR_SCORES).withColumn("second", F.unix_timestamp("as_of")).collect()
    rejected = tables.read(REJECTED_PAIRS).collect()
    return Predicted(ended.stdout, rows, rejected, kept, of_moment, newest)


def test_a_pair_at_the_moment_of_a_test_row_gets_its_score(predicted: Predicted) -> None:
    found, expected = predicted.scores, predicted.expected
    assert f"predict: run {predicted.run_id} (mmdin, validation ROC AUC 0." in predicted.output
    assert len(expected) > 50
    assert (
        len(found) == len({*expected} | {(*p, predicted.moment) for p in predicted.of_moment}) + 2
    )
    assert {pair: found[pair] for pair in expected} == pytest.approx(expected, abs=1e-6)


def test_pairs_that_training_never_saw_are_scored_and_bad_ones_set_aside(
    predicted: Predicted,
) -> None:
    now = predicted.last + 61
    of_new_user = [r for r in predicted.rows if (r["user_id"], r["second"]) == (NEW_USER, now)]
    assert {(r["movie_id"] == NO_MOVIE, r["movie_known"]) for r in of_new_user} == {
        (True, False),
        (False, True),
    }
    for row in of_new_user:
        assert not row["user_known"]
        assert 0 < row["score"] < 1
    assert [tuple(r) for r in predicted.rejected] == [
        ("pairs.csv", "1,one,", "movie_id is not a whole number")
    ]
    assert "movie_id is not a whole number" in predicted.output


@pytest.fixture(scope="module")
def asked_in_sql(spark: SparkSession, predicted: Predicted, folder: Path) -> list[Row]:
    """The pairs at the moment of the last test row, by mmdin_score."""
    root, moment = str(folder / ROOT), datetime.fromtimestamp(predicted.moment, UTC)
    settings = [f"root={root}", f"predict.as_of={moment:%Y-%m-%dT%H:%M:%S}"]
    plan = plan_variants(load_config(str(folder / "small.yaml"), settings))
    build_states.run(spark, plan.sample_sets()[0])
    pairs = spark.createDataFrame(sorted(predicted.of_moment), "user_id long, movie_id long")
    pairs.createOrReplaceTempView("pairs_of_moment")
    assert Prompt(spark, root, ()).run("SELECT 1 AS one, mmdin_score(4, 8) AS score")
    return spark.sql(
        f"SELECT user_id, movie_id, {predicted.moment} AS second, "
        f"mmdin_score(user_id, movie_id, '{predicted.run_id}') AS score, "
        "mmdin_score(user_id, movie_id) AS of_best FROM pairs_of_moment"
    ).collect()


def test_mmdin_score_in_sql_is_the_score_of_job_predict(
    asked_in_sql: list[Row], predicted: Predicted
) -> None:
    found = scores_of(asked_in_sql)
    assert len(found) > 20
    assert found == pytest.approx({pair: predicted.scores[pair] for pair in found}, abs=1e-6)
    assert [row["of_best"] for row in asked_in_sql] == [row["score"] for row in asked_in_sql]


@pytest.mark.usefixtures("asked_in_sql")
def test_mmdin_score_of_a_run_that_is_not_there_names_those_that_are(
    spark: SparkSession, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prompt = Prompt(spark, str(folder / ROOT), ())
    assert not prompt.run("SELECT mmdin_score(4, 8, 'dnn') AS score")
    message = "no finished run dnn on the newest samples; there are mmdin, mmdin-"
    assert message in capsys.readouterr().err


@pytest.fixture(scope="module")
def scored_alone(
    spark: SparkSession, exported: Path, predicted: Predicted, folder: Path
) -> dict[str, dict[Pair, float]]:
    """All test rows by the exported model, by signature."""
    samples = Tables(spark, str(folder / ROOT)).read(SAMPLES).where("split = 'test'")
    rows = samples.drop("rating", "label").withColumn("second", F.unix_timestamp("rated_at"))
    return score_alone(exported, rows.toPandas(), ("user_id", "movie_id", "second"))


def test_an_export_gives_sparks_scores_without_this_project(
    spark: SparkSession, exported: Path, scored_alone: dict[str, dict[Pair, float]], folder: Path
) -> None:
    of_run = F.col("run_id") == exported.name
    second = F.unix_timestamp("rated_at").alias("second")
    rows = Tables(spark, str(folder / ROOT)).read(PREDICTIONS).where(of_run).select("*", second)
    expected = scores_of(rows.collect())
    assert len(expected) > 500
    assert len(set(expected.values())) > 100
    assert set(scored_alone) == {"readable", "encoded"}
    for scores in scored_alone.values():
        assert scores == pytest.approx(expected, abs=1e-6)


def test_the_last_test_rows_have_one_score_by_all_four_ways(
    predicted: Predicted, asked_in_sql: list[Row], scored_alone: dict[str, dict[Pair, float]]
) -> None:
    last = {pair: s for pair, s in predicted.expected.items() if pair[2] == predicted.moment}
    assert last
    for scores in (predicted.scores, scores_of(asked_in_sql), *scored_alone.values()):
        assert {pair: scores[pair] for pair in last} == pytest.approx(last, abs=1e-6)
