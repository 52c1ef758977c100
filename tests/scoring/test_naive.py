"""Naive predictors on a few hundred rows, against the same by hand."""

import re

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from mmdin.errors import TableError
from mmdin.predictors import NAIVE
from mmdin.schemas import PREDICTIONS, SAMPLES, TRUE_PROBABILITIES
from mmdin.scoring.naive import add_truth, best_possible_score, fit_naive, naive_scores
from mmdin.scoring.scored import count_scores, list_scores, with_scores


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    generator = np.random.default_rng(6)
    n = 400
    movie, user = generator.normal(3.5, 0.5, n), generator.normal(3.5, 0.5, n)
    rating = np.clip(np.round((movie + user - 3.5 + generator.normal(0, 0.7, n)) * 2) / 2, 0.5, 5)
    rows = pd.DataFrame(
        {
            "user_id": np.arange(n),
            "movie_id": np.arange(n) % 20,
            "rating": rating,
            "label": (rating >= 3.5).astype(int),
            "split": generator.choice(["train", "validation", "test"], n, p=[0.6, 0.2, 0.2]),
            "movie_rating_mean": movie,
            "user_rating_mean": user,
            "movie_bias": generator.normal(0, 0.3, n),
            "user_bias": rating / 2 + generator.normal(0, 0.5, n),
        }
    )
    rows.loc[generator.random(n) < 0.1, "movie_rating_mean"] = None
    rows.loc[generator.random(n) < 0.1, "user_rating_mean"] = None
    return rows


@pytest.fixture(scope="module")
def samples(spark: SparkSession, rows: pd.DataFrame) -> DataFrame:
    records = rows.astype(object).where(rows.notna(), None).to_dict("records")
    return spark.createDataFrame(
        [tuple(r.get(c) for c in SAMPLES.columns) for r in records], SAMPLES.schema
    )


def held_out(samples: DataFrame) -> DataFrame:
    return samples.where("split != 'train'")


@pytest.fixture(scope="module")
def scored(samples: DataFrame) -> pd.DataFrame:
    naive = list_scores(with_scores(held_out(samples), naive_scores(fit_naive(samples), "")))
    assert set(naive.columns) == {*PREDICTIONS.columns, "split"}
    return naive.toPandas()


def test_each_predictor_scores_every_validation_and_test_row(rows, scored) -> None:
    expected = set(rows[rows.split != "train"].user_id)
    for name in NAIVE:
        own = scored[scored.model == name]
        assert sorted(own.user_id) == sorted(expected)
        assert (own.run_id == name).all()


def test_ranking_is_that_of_the_means(rows, scored) -> None:
    train = rows[rows.split == "train"]
    movie = rows.movie_rating_mean.fillna(train.rating.mean())
    user = rows.user_rating_mean.fillna(train.rating.mean())
    additive = rows.movie_bias + rows.user_bias
    means = {"movie_mean": movie, "mean_of_means": (movie + user) / 2, "additive": additive}
    for name, mean in means.items():
        own = scored[scored.model == name].set_index("user_id")
        expected = roc_auc_score(own.label, mean[own.index])
        assert roc_auc_score(own.label, own.score) == pytest.approx(expected, abs=1e-12)


def test_scores_are_probabilities_fitted_on_training_rows(rows, scored) -> None:
    train = rows[rows.split == "train"]
    constant = scored[scored.model == "constant"]
    assert constant.score.unique() == pytest.approx([train.label.mean()])
    movie, user = (
        rows[column].fillna(train.rating.mean())
        for column in ("movie_rating_mean", "user_rating_mean")
    )
    additive = rows.movie_bias + rows.user_bias
    means = {"movie_mean": movie, "mean_of_means": (movie + user) / 2, "additive": additive}
    for name, mean in means.items():
        reference = LogisticRegression(C=np.inf, tol=1e-12, solver="newton-cholesky")
        reference.fit(mean[train.index].to_numpy()[:, None], train.label)
        own = scored[scored.model == name].set_index("user_id")
        expected = reference.predict_proba(mean[own.index].to_numpy()[:, None])[:, 1]
        np.testing.assert_allclose(own.score, expected, atol=1e-6)


def test_a_mean_that_goes_with_fewer_positives_scores_every_row_alike(
    samples: DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    contrary = samples.withColumn("label", 1 - F.col("label"))
    unknown = contrary.withColumn("movie_rating_mean", F.lit(None).cast("double"))
    for rows, slope in ((contrary, r"-\d+\.\d+"), (unknown, r"-?0\.000")):
        caplog.clear()
        fit = fit_naive(rows)
        assert re.search(rf"a higher movie_mean does not go .* \(slope {slope}\)", caplog.text)
        line = fit.lines["movie_mean"]
        assert line.slope == 0
        assert 1 / (1 + np.exp(-line.intercept)) == pytest.approx(fit.positive_share)


def test_best_possible_scores_are_the_planted_ones(spark, rows, samples) -> None:
    planted = [
        (int(r.user_id), int(r.movie_id), 0.3 + (r.user_id % 7) / 20, 0.0, 0.0, 0.0, 0.0, 0.0)
        for r in rows.itertuples()
    ]
    truth = spark.createDataFrame(planted, TRUE_PROBABILITIES.schema)
    score = best_possible_score("other")
    scored = with_scores(add_truth(held_out(samples), truth), [score])
    best = list_scores(scored).toPandas()
    assert set(best.run_id) == {"best_possible-other"}
    np.testing.assert_allclose(best.score, 0.3 + (best.user_id % 7) / 20)
    expected = rows[rows.split != "train"].split.value_counts()
    assert count_scores(scored) == {
        split: {"best_possible-other": count} for split, count in expected.items()
    }
    with pytest.raises(TableError, match="true_probabilities lacks"):
        fewer = truth.where("user_id > 50")
        count_scores(with_scores(add_truth(held_out(samples), fewer), [score]))
