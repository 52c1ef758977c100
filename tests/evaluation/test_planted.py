"""What runs have found of planted effects, against the same by scikit-learn."""

import datetime

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession
from sklearn.linear_model import LinearRegression
from sklearn.metrics import roc_auc_score

from mmdin.evaluation.comparison import format_effects
from mmdin.evaluation.metrics import Z_95
from mmdin.evaluation.planted import EFFECTS, measure_effects
from mmdin.evaluation.statistics import METRICS, measure, standard_errors
from mmdin.predictors import BEST_POSSIBLE
from mmdin.schemas import TRUE_PROBABILITIES

ROWS, USERS = 1200, 60
AUC = METRICS.index("roc_auc")


def share(logit: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logit))


@pytest.fixture(scope="module")
def truth() -> pd.DataFrame:
    """Rows of true_probabilities, and a label drawn for each."""
    generator = np.random.default_rng(5)
    keys = {"user_id": np.arange(ROWS) % USERS, "movie_id": np.arange(ROWS)}
    terms = {effect: generator.normal(0, 0.4 + 0.2 * n, ROWS) for n, effect in enumerate(EFFECTS)}
    probability = share(0.3 + np.sum(list(terms.values()), axis=0))
    rows = pd.DataFrame({**keys, "probability": probability, **terms})
    return rows.assign(label=(generator.random(ROWS) < probability).astype(int))


@pytest.fixture(scope="module")
def logits(truth: pd.DataFrame) -> dict[str, np.ndarray]:
    """Log-odds by run: the truth, one that lacks three quarters of two effects, and a constant."""
    log_odds = np.log(truth["probability"] / (1 - truth["probability"])).to_numpy()
    lacking = 0.75 * truth["genre_taste"] + 0.75 * truth["poster_taste"]
    noise = np.random.default_rng(6).normal(0, 0.3, ROWS)
    return {
        "blurred": log_odds - lacking.to_numpy() + noise,
        "constant": np.zeros(ROWS),
        BEST_POSSIBLE: log_odds,
    }


@pytest.fixture(scope="module")
def found(
    spark: SparkSession, truth: pd.DataFrame, logits: dict[str, np.ndarray]
) -> dict[str, pd.DataFrame]:
    keys = truth[["user_id", "movie_id", "label"]].assign(rated_at=datetime.datetime(2020, 1, 1))
    scored = pd.concat(
        keys.assign(run_id=f"{name}-1", variant=name, model=name, score=share(logit))
        for name, logit in logits.items()
    )
    planted = truth[TRUE_PROBABILITIES.columns]
    measured = measure_effects(spark.createDataFrame(scored), spark.createDataFrame(planted))
    return {name: rows.set_index("effect") for name, rows in measured.toPandas().groupby("variant")}


def test_every_run_has_every_effect(found: dict[str, pd.DataFrame]) -> None:
    assert set(found) == {"blurred", "constant", BEST_POSSIBLE}
    assert EFFECTS == (
        "movie_quality", "user_mean", "genre_taste", "recent_interest", "poster_taste",
    )  # fmt: skip
    assert all(list(rows.index) == list(EFFECTS) for rows in found.values())
    assert {rows for of_run in found.values() for rows in of_run["rows"]} == {ROWS}


def test_the_truth_lacks_nothing(found: dict[str, pd.DataFrame]) -> None:
    rows = found[BEST_POSSIBLE]
    np.testing.assert_allclose(rows["learned"], 1)
    np.testing.assert_allclose(rows[["missing", "lower", "upper"]], 0, atol=1e-9)


def test_a_constant_lacks_every_effect(found: dict[str, pd.DataFrame], truth: pd.DataFrame) -> None:
    np.testing.assert_allclose(found["constant"]["learned"], 0, atol=1e-9)
    for effect, missing in found["constant"]["missing"].items():
        alone = roc_auc_score(truth["label"], truth[effect])
        assert missing == pytest.approx(alone - 0.5)


def test_what_is_learned_and_missing_is_that_of_scikit_learn(
    found: dict[str, pd.DataFrame], truth: pd.DataFrame, logits: dict[str, np.ndarray]
) -> None:
    rows, label, best = found["blurred"], truth["label"].to_numpy(), logits[BEST_POSSIBLE]
    score, effects = logits["blurred"], truth[list(EFFECTS)].to_numpy()
    np.testing.assert_allclose(rows["learned"], LinearRegression().fit(effects, score).coef_)
    assert rows["learned"]["genre_taste"] == pytest.approx(0.25, abs=0.05)
    assert rows["learned"]["user_mean"] == pytest.approx(1, abs=0.05)
    users = truth["user_id"].to_numpy()
    reached = measure(users, label, share(score), np.nan)
    for n, effect in enumerate(EFFECTS):
        known = np.stack([score, effects[:, n]], axis=1)
        told = LinearRegression().fit(known, best).predict(known)
        missing = roc_auc_score(label, told) - roc_auc_score(label, score)
        assert rows["missing"][effect] == pytest.approx(missing, abs=1e-9)
        worth = roc_auc_score(label, best) - roc_auc_score(label, best - effects[:, n])
        assert rows["worth"][effect] == pytest.approx(worth, abs=1e-9)
        gained = measure(users, label, share(told), np.nan).influences - reached.influences
        half = Z_95 * standard_errors(gained)[AUC]
        assert rows["upper"][effect] - missing == pytest.approx(half)
        assert missing - rows["lower"][effect] == pytest.approx(half)


def test_the_console_shows_shares_and_what_is_missing(found: dict[str, pd.DataFrame]) -> None:
    effects = [row for rows in found.values() for row in rows.reset_index().to_dict("records")]
    lines = format_effects(effects, ["constant", "blurred", BEST_POSSIBLE]).splitlines()
    assert lines[0].split() == ["variant", *EFFECTS]
    cells = {line.split()[0]: line.split()[1:] for line in lines[2:5]}
    of_blurred = found["blurred"].loc["genre_taste"]
    assert cells["blurred"][4:6] == [
        f"{of_blurred['learned']:.2f}", f"{of_blurred['missing']:+.4f}",
    ]  # fmt: skip
    assert cells[BEST_POSSIBLE] == [f"{-worth:+.4f}" for worth in found["blurred"]["worth"]]
