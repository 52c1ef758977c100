"""Metrics, slices and differences computed in Spark, against the same by hand."""

import datetime

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from scored_cases import make_cases, rate

from mmdin.errors import TableError
from mmdin.evaluation.calibration import calibrate, calibration_error
from mmdin.evaluation.competitors import Competitor, add_variant, first_runs
from mmdin.evaluation.differences import compare_variants, verdict
from mmdin.evaluation.metrics import (
    Z_95,
    find_best_thresholds,
    measure_variants,
    of_kind,
)
from mmdin.evaluation.sampling import sample_scores
from mmdin.evaluation.slices import number_slices
from mmdin.evaluation.statistics import (
    METRICS,
    Measurement,
    best_threshold,
    measure,
    standard_errors,
)
from mmdin.schemas import CALIBRATION, METRIC_INTERVALS, PREDICTIONS
from mmdin.schemas import METRICS as METRICS_TABLE

START = datetime.datetime(2020, 1, 1)
THRESHOLD = 0.6


def to_spark(spark: SparkSession, rows: pd.DataFrame) -> DataFrame:
    """Rows as the evaluation has them, of runs named by run_id, seed and variant."""
    rows = rows.reset_index(drop=True)
    defaults = {
        "variant": rows.get("run_id"),
        "model": "din",
        "protocol": "random",
        "seed": 1,
        "best_threshold": THRESHOLD,
        "movie_id": 1,
        "rated_at": START,
        "dimension": "all",
        "slice": "all",
    }
    made = spark.createDataFrame(
        rows.assign(**{k: v for k, v in defaults.items() if k not in rows})
    )
    slices = F.array(F.struct("dimension", "slice"))
    return made.withColumn("slices", slices).drop("dimension", "slice")


@pytest.fixture(scope="module")
def runs() -> pd.DataFrame:
    """Two seeds of a sharp and of a blurred variant, and a predictor; each in two slices."""
    made = []
    for variant, noises in (("sharp", (0.3, 0.5)), ("blurred", (1.2, 1.5)), ("naive", (2.0,))):
        for seed, noise in enumerate(noises, start=1):
            run = rate(users=60, seed=7, noise=noise)
            run = run.assign(movie_id=np.arange(len(run)) % 9, slice=run.user_id % 2)
            made.append(run.assign(variant=variant, seed=seed, run_id=f"{variant}-{seed}"))
    return pd.concat(made, ignore_index=True).astype({"slice": str})


def measured_by_spark(spark: SparkSession, rows: pd.DataFrame) -> DataFrame:
    return measure_variants(*number_slices(to_spark(spark, rows)))


def measured(rows: pd.DataFrame) -> Measurement:
    return measure(*(rows[c].to_numpy() for c in ("user_id", "label", "score")), THRESHOLD)


def test_every_run_is_measured_separately(spark: SparkSession) -> None:
    cases = make_cases()
    found = {r["run_id"]: r for r in of_kind(measured_by_spark(spark, cases), "runs").collect()}
    assert found.keys() == set(cases.run_id)
    for run_id, case in cases.groupby("run_id"):
        row, expected = found[run_id], measured(case)
        bins = calibrate(case.label.to_numpy(), case.score.to_numpy())
        assert row["calibration_error"] == calibration_error(bins)
        assert (row["rows"], row["positives"]) == (len(case), case.label.sum())
        assert row["users"] == case.user_id.nunique()
        for metric, value in zip(METRICS, expected.values, strict=True):
            assert row[metric] == (None if np.isnan(value) else pytest.approx(value)), metric


def one_sided(variant: str, labels: list[int], users: list[int]) -> list[pd.DataFrame]:
    """Two variants on the same few rows: one gives every row the same score."""
    scores = {"": np.linspace(0.2, 0.8, len(labels)), " alike": 0.5}
    made = [pd.DataFrame({"label": labels, "user_id": users, "score": s}) for s in scores.values()]
    names = [variant + ending for ending in scores]
    return [
        m.assign(movie_id=range(len(m)), variant=n, run_id=n)
        for m, n in zip(made, names, strict=True)
    ]


def test_what_is_undefined_is_null_in_every_table(spark: SparkSession) -> None:
    cases = [
        *one_sided("liked", [1, 1, 1, 1], [1, 1, 2, 2]),
        *one_sided("not liked", [0, 0, 0, 0], [1, 1, 2, 2]),
        *one_sided("one user", [0, 1, 0, 1], [1, 1, 1, 1]),
        *one_sided("one row each", [0, 1, 0, 1], [1, 2, 3, 4]),
    ]
    scored = to_spark(spark, pd.concat(cases)).localCheckpoint()
    thresholds = find_best_thresholds(scored, scored, [c["run_id"].iloc[0] for c in cases])
    assert {run for run, t in thresholds.items() if t is None} == {"not liked", "not liked alike"}
    found = measure_variants(*number_slices(scored))
    runs = {r["run_id"]: r.asDict() for r in of_kind(found, "runs").collect()}
    without_positives = {"roc_auc", "pr_auc", "gauc", "f1", "recall", "best_f1", "best_recall"}
    undefined = {
        "liked": {"roc_auc", "gauc"}, "not liked": without_positives,
        "one user": set(), "one row each": {"gauc"},
    }  # fmt: skip
    for case, names in undefined.items():
        for run in (runs[case], runs[f"{case} alike"]):
            assert {m for m in METRICS if run[m] is None} == names
    assert {runs[f"{case} alike"]["roc_auc"] for case in ("one user", "one row each")} == {0.5}
    intervals = of_kind(found, "intervals").collect()
    for row in intervals:
        case = row["variant"].removesuffix(" alike")
        assert (row["mean"] is None) == (row["metric"] in undefined[case])
        assert (row["lower"] is None) == (row["mean"] is None or case == "one user")
    differences = compare_variants(of_kind(found, "runs").toPandas(), of_kind(found, "influences"))
    assert {r["variant"].removesuffix(" alike") for r in differences} == set(undefined)
    for row in differences:
        case = row["variant"].removesuffix(" alike")
        assert (row["difference"] is None) == (row["metric"] in undefined[case])
        assert row["lower"] is not None or row["verdict"] == "open"
    rows = [*runs.values(), *(row.asDict() for row in intervals), *differences]
    assert not [v for row in rows for v in row.values() if isinstance(v, float) and v != v]


def test_equal_rows_have_equal_digests(spark: SparkSession, runs: pd.DataFrame) -> None:
    other = runs[runs.run_id == "sharp-1"].assign(run_id="other", variant="other")
    other.loc[other.index[0], "label"] = 1 - other.loc[other.index[0], "label"]
    found = of_kind(measured_by_spark(spark, pd.concat([runs, other])), "runs").collect()
    digests = {r["run_id"]: r["rows_digest"] for r in found}
    assert digests.pop("other") not in digests.values()
    assert len(set(digests.values())) == 1
    assert found[0].asDict().keys() == {*METRICS_TABLE.columns}


def test_every_slice_of_a_run_is_calibrated_separately(
    spark: SparkSession, runs: pd.DataFrame
) -> None:
    calibrated = of_kind(measured_by_spark(spark, runs.assign(dimension="user")), "bins")
    assert calibrated.columns == CALIBRATION.columns
    found = calibrated.toPandas().set_index(["run_id", "dimension", "slice", "bin"])
    expected = {
        (run_id, "user", name, b.bin): b
        for (run_id, name), case in runs.groupby(["run_id", "slice"])
        for b in calibrate(case.label.to_numpy(), case.score.to_numpy())
    }
    assert set(found.index) == set(expected)
    for key, bin_ in expected.items():
        row = found.loc[key]
        assert row["rows"] == bin_.rows
        assert row["mean_score"] == pytest.approx(bin_.mean_score)
        assert row["positive_share"] == pytest.approx(bin_.positive_share)


def test_thresholds_are_found_for_each_run(spark: SparkSession, runs: pd.DataFrame) -> None:
    scored, wanted = to_spark(spark, runs), ["sharp-1", "naive-1"]
    thresholds = find_best_thresholds(scored, scored, wanted)
    assert set(thresholds) == set(wanted)
    for run_id, threshold in thresholds.items():
        own = runs[runs.run_id == run_id]
        assert threshold == best_threshold(own.label.to_numpy(), own.score.to_numpy())


def test_slices_are_measured_over_seeds(spark: SparkSession, runs: pd.DataFrame) -> None:
    found = of_kind(measured_by_spark(spark, runs), "intervals")
    assert found.columns == METRIC_INTERVALS.columns
    rows = found.collect()
    assert len(rows) == 3 * 2 * len(METRICS)
    for row in rows:
        own = runs[(runs.variant == row["variant"]) & (runs.slice == row["slice"])]
        seeds = [measured(of_seed) for _, of_seed in own.groupby("seed")]
        first = own[own.seed == 1]
        assert row["rows"], row["positives"] == (len(first), first.label.sum())
        assert (row["users"], row["movies"]) == (30, first.movie_id.nunique())
        assert row["seeds"] == len(seeds)
        place = METRICS.index(row["metric"])
        values = [s.values[place] for s in seeds]
        assert row["mean"] == pytest.approx(np.mean(values))
        error = standard_errors(np.mean([s.influences for s in seeds], axis=0))[place]
        assert row["upper"] == pytest.approx(min(row["mean"] + Z_95 * error, max(1, row["upper"])))
        assert row["lower"] == pytest.approx(row["mean"] - Z_95 * error)
        deviation = None if len(seeds) == 1 else pytest.approx(np.std(values, ddof=1))
        assert row["stddev"] == deviation


@pytest.mark.usefixtures("generated_code")
def test_differences_pair_users_and_count_seeds(spark: SparkSession, runs: pd.DataFrame) -> None:
    found = measured_by_spark(spark, runs)
    rows = compare_variants(of_kind(found, "runs").toPandas(), of_kind(found, "influences"))
    assert len(rows) == 3 * 2 * len(METRICS)
    by_variant = {
        v: [measured(s) for _, s in own.groupby("seed")] for v, own in runs.groupby("variant")
    }
    for row in rows:
        place = METRICS.index(row["metric"])
        a, b = by_variant[row["variant"]], by_variant[row["other"]]
        influences = np.mean([s.influences for s in a], axis=0) - np.mean(
            [s.influences for s in b], axis=0
        )
        variance = standard_errors(influences)[place] ** 2
        for seeds in (a, b):
            if len(seeds) > 1:
                variance += np.var([s.values[place] for s in seeds], ddof=1) / len(seeds)
        expected = np.mean([s.values[place] for s in a]) - np.mean([s.values[place] for s in b])
        assert row["difference"] == pytest.approx(expected)
        assert row["upper"] - row["difference"] == pytest.approx(Z_95 * np.sqrt(variance))
        assert row["verdict"] == verdict(row["metric"], row["lower"], row["upper"])
    sharp = next(r for r in rows if r["variant"] == "sharp" and r["other"] == "naive")
    assert sharp["verdict"] == "better"


def test_variants_of_different_rows_are_not_compared(
    spark: SparkSession, runs: pd.DataFrame
) -> None:
    fewer = pd.concat([runs[runs.variant == "sharp"], runs[runs.variant == "naive"].iloc[1:]])
    found = measured_by_spark(spark, fewer)
    assert compare_variants(of_kind(found, "runs").toPandas(), of_kind(found, "influences")) == []


@pytest.mark.parametrize(
    ("metric", "lower", "upper", "expected"),
    [
        ("roc_auc", 0.01, 0.02, "better"),
        ("roc_auc", -0.02, -0.01, "worse"),
        ("log_loss", 0.01, 0.02, "worse"),
        ("log_loss", -0.02, -0.01, "better"),
        ("roc_auc", -0.01, 0.02, "open"),
        ("roc_auc", 0.0, 0.0, "open"),
        ("roc_auc", float("nan"), float("nan"), "open"),
    ],
)
def test_no_verdict_if_the_interval_holds_zero(
    metric: str, lower: float, upper: float, expected: str
) -> None:
    assert verdict(metric, lower, upper) == expected


def test_calibration_equals_a_loop_over_bins(runs: pd.DataFrame) -> None:
    certain = runs[runs.run_id == "sharp-1"].assign(run_id="certain", score=1.0)
    for _, own in pd.concat([runs, certain]).groupby("run_id"):
        bins = calibrate(own.label.to_numpy(), own.score.to_numpy())
        expected = 0.0
        for n in range(10):
            last = own.score == 1.0 if n == 9 else False
            inside = own[((own.score >= n / 10) & (own.score < (n + 1) / 10)) | last]
            if len(inside):
                gap = abs(inside.score.mean() - inside.label.mean())
                expected += gap * len(inside) / len(own)
        assert calibration_error(bins) == pytest.approx(expected)
        assert sum(b.rows for b in bins) == len(own)


def test_the_same_rows_are_sampled_of_every_run(spark: SparkSession, runs: pd.DataFrame) -> None:
    numbered = runs.assign(movie_id=runs.groupby("run_id").cumcount())
    count = int((runs.run_id == "sharp-1").sum())
    wanted = {"sharp-1": count, "blurred-1": count, "naive-1": count}
    scored = to_spark(spark, numbered)
    sampled = sample_scores(scored, wanted, seed=3, rows=50).toPandas()
    assert set(sampled.run_id) == set(wanted)
    labels = {v: own.sort_values("row") for v, own in sampled.groupby("variant")}
    for own in labels.values():
        assert list(own["row"]) == list(range(50))
        assert list(own.label) == list(labels["sharp"].label)
    again = sample_scores(scored.repartition(3), wanted, seed=3, rows=50).toPandas()
    order = ["variant", "row"]
    pd.testing.assert_frame_equal(
        sampled.sort_values(order, ignore_index=True), again.sort_values(order, ignore_index=True)
    )
    assert sample_scores(scored, wanted, seed=3, rows=10**6).count() == 3 * count


def test_competitors_take_their_own_predictions(spark: SparkSession) -> None:
    competitors = [
        Competitor("naive", "", "movie_mean", None, "", "random", "naive", 0),
        Competitor("mine", "a: 1", "din", 2, "", "random", "run-b", 1),
        Competitor("mine", "a: 1", "din", 1, "", "random", "run-a", 1),
    ]
    assert first_runs(competitors) == ["naive", "run-a"]
    rows = [(r, "?", 1, 1, START, 4.0, 1, 0.5) for r in ("naive", "run-a", "run-b", "another")]
    predictions = spark.createDataFrame(rows, PREDICTIONS.schema)
    joined = add_variant(predictions, competitors, {"run-a": 0.25, "run-b": 0.75}).collect()
    assert {
        (r["run_id"], r["variant"], r["model"], r["seed"], r["best_threshold"]) for r in joined
    } == {
        ("naive", "naive", "movie_mean", None, None),
        ("run-a", "mine", "din", 1, 0.25),
        ("run-b", "mine", "din", 2, 0.75),
    }


def test_bad_scores_name_their_run(spark: SparkSession) -> None:
    scores = {"good": 0.5, "none": None, "nan": float("nan"), "above": 1.5, "below": -0.1}
    rows = [(run_id, "din", 1, 1, None, 4.0, 1, score) for run_id, score in scores.items()]
    of_test = spark.createDataFrame(rows[:3], PREDICTIONS.schema).localCheckpoint()
    of_validation = spark.createDataFrame([rows[0], *rows[3:]], PREDICTIONS.schema)
    message = r"0\.\.1: above \(1 rows\), below \(1 rows\), nan \(1 rows\), none \(1 rows\);"
    with pytest.raises(TableError, match=message):
        find_best_thresholds(of_validation, of_test, ["good"])
