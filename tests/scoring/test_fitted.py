"""Predictors that are fitted on the driver, on small invented samples."""

import datetime
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import DoubleType, StructField
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from mmdin import predictors
from mmdin.config import Config
from mmdin.errors import ConfigurationError, TableError
from mmdin.schemas import PREDICTIONS, SAMPLES
from mmdin.scoring import boosting, fitted
from mmdin.scoring.factorisation import COLUMNS, Factorisation, factorise, reach_thresholds
from mmdin.scoring.fitted import fitted_scores
from mmdin.scoring.fitting import Candidate, choose
from mmdin.scoring.scored import list_scores

USERS, MOVIES = 40, 50
START = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


def invent(seed: int = 4) -> pd.DataFrame:
    """Samples of users who like one of two kinds of movies, and movies that are good or bad.

    Two numbers tell the kind of the movie and that of the user, as identities do. One genre has
    only training rows.
    """
    generator = np.random.default_rng(seed)
    pairs = generator.choice(USERS * MOVIES, 1200, replace=False)
    user, movie = np.divmod(pairs, MOVIES)
    taste, quality = generator.choice([-1, 1], USERS), generator.normal(0, 0.4, MOVIES)
    stars = 3.2 + taste[user] * (movie % 2 * 2 - 1) * 0.9 + quality[movie]
    stars = np.clip(np.round(2 * (stars + generator.normal(0, 0.4, len(user)))) / 2, 0.5, 5)
    splits = generator.choice(["train", "validation", "test"], 1200, p=[0.7, 0.15, 0.15])
    rows = pd.DataFrame(dict.fromkeys((*boosting.COLUMNS, *COLUMNS), 0), index=range(1200))
    return rows.assign(
        user_id=user + 100,
        movie_id=movie + 500,
        rated_at=START,
        rating=stars,
        label=(stars >= 3.5).astype(np.int32),
        split=splits,
        user_index=(user + 1).astype(np.int32),
        movie_index=(movie + 1).astype(np.int32),
        genre_2_index=np.where(splits == "train", 9, 0).astype(np.int32),
        genre_1_index=(1 + movie % 3).astype(np.int32),
        movie_rating_mean=(3.2 + quality[movie]).astype(np.float32),
        release_year=(1990 + movie % 2).astype(np.int32),
        user_release_year_mean=(1990 + taste[user]).astype(np.float32),
    ).sort_values(["user_id", "movie_id"], ignore_index=True)


def split(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {str(name): group for name, group in rows.groupby("split")}


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return invent()


PREDICTORS: dict[str, Callable[[dict[str, pd.DataFrame]], Iterator[Candidate]]] = {
    "factorisation": lambda splits: factorise(splits, 3.5),
    "lightgbm": boosting.boost,
}


@pytest.fixture(scope="module", autouse=True)
def few_trees() -> Iterator[None]:
    """Trees that are soon grown on a busy machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boosting, "_TREES", 40)
        patch.setitem(boosting._SETTINGS, "num_threads", 1)
        yield


@pytest.fixture(scope="module")
def candidates(rows: pd.DataFrame) -> dict[str, list[Candidate]]:
    return {name: list(fit(split(rows))) for name, fit in PREDICTORS.items()}


@pytest.mark.parametrize("name", PREDICTORS)
def test_what_is_in_the_rows_is_found(name: str, rows: pd.DataFrame, candidates) -> None:
    splits = split(rows)
    assert len({candidate.name for candidate in candidates[name]}) == len(candidates[name]) > 3
    best = choose(name, candidates[name], splits["validation"].label.to_numpy())
    assert roc_auc_score(splits["test"].label, best.test) > 0.85
    assert 0 < best.test.min() < best.test.max() < 1


@pytest.mark.parametrize("name", PREDICTORS)
def test_no_score_knows_a_label_of_test_rows(name: str, rows: pd.DataFrame, candidates) -> None:
    is_test = rows.split == "test"
    changed = rows.assign(
        label=rows.label.where(~is_test, 1 - rows.label),
        rating=rows.rating.where(~is_test, 5.5 - rows.rating),
    )
    for before, after in zip(candidates[name], PREDICTORS[name](split(changed)), strict=True):
        np.testing.assert_array_equal(before.validation, after.validation)
        np.testing.assert_array_equal(before.test, after.test)


def test_a_step_is_that_of_a_row_after_the_other(rows: pd.DataFrame) -> None:
    fitted = Factorisation(split(rows), 3.5, l2=0.1)
    users, movies = fitted.users.copy(), fitted.movies.copy()
    of_users, of_movies, of_offsets = np.zeros_like(users), np.zeros_like(movies), 0.0
    user, movie = np.array([3, 3, 5, 3]), np.array([7, 8, 7, 7])
    reached = fitted.reached[:4]
    for u, m, row in zip(user, movie, reached, strict=True):
        number = users[u, -1] + movies[m, -1] + users[u, :-1] @ movies[m, :-1]
        errors = (1 / (1 + np.exp(-number - fitted.offsets)) - row) * fitted.weights
        of_users[u, :-1] += errors.sum() * movies[m, :-1]
        of_movies[m, :-1] += errors.sum() * users[u, :-1]
        of_users[u, -1] += errors.sum()
        of_movies[m, -1] += errors.sum()
        of_users[u] += 0.1 * users[u]
        of_movies[m] += 0.1 * movies[m]
        of_offsets = of_offsets + errors / 4
    expected = [users - 0.05 * of_users, movies - 0.05 * of_movies]
    offsets = fitted.offsets - 0.05 * of_offsets
    fitted.step(user, movie, reached)
    np.testing.assert_allclose(fitted.users, expected[0], atol=1e-12)
    np.testing.assert_allclose(fitted.movies, expected[1], atol=1e-12)
    np.testing.assert_allclose(fitted.offsets, offsets, atol=1e-12)


def test_unseen_users_and_movies_add_nothing(rows: pd.DataFrame) -> None:
    fitted = Factorisation(split(rows), 3.5, l2=0.1)
    fitted.users[:, -1] += 1
    fitted.users[0] = 0
    fitted.movies[1:, -1] += 2
    cold = pd.DataFrame({"user_index": [0, 0, 4], "movie_index": [0, 6, 0]})
    np.testing.assert_allclose(fitted.score(cold), [0, 2, 1])


def test_thresholds_that_nothing_reaches_are_left_out() -> None:
    reached, weights = reach_thresholds(np.array([4.0, 4.5, 5.0]), 4.5)
    np.testing.assert_array_equal(reached, [[0.0], [1.0], [1.0]])
    np.testing.assert_array_equal(weights, [1.0])
    reached, weights = reach_thresholds(np.array([1.0, 2.5, 3.5, 5.0]), 3.5)
    np.testing.assert_array_equal(reached.sum(axis=0), [3, 2, 1])
    np.testing.assert_array_equal(weights, [0.5, 1.0, 0.5])


def test_the_best_on_validation_rows_is_made_a_probability() -> None:
    generator = np.random.default_rng(1)
    labels = generator.integers(0, 2, 200).astype(np.int32)
    good, bad = (labels * pull + generator.normal(0, 1, 200) for pull in (1.5, 0.2))
    chosen = choose("x", [Candidate("bad", bad, bad), Candidate("good", good, bad)], labels)
    assert chosen.name == "good"
    reference = LogisticRegression(C=np.inf, tol=1e-10).fit(good[:, None], labels)
    for scores, found in ((good, chosen.validation), (bad, chosen.test)):
        np.testing.assert_allclose(found, reference.predict_proba(scores[:, None])[:, 1], atol=1e-4)
    with pytest.raises(TableError, match="x cannot be tuned"):
        choose("x", [Candidate("bad", bad, bad)], np.ones(200, np.int32))


def configured(**scoring: object) -> Config:
    values = {"name": "x", "scoring": scoring, "samples": {"name": "mine"}}
    return Config.model_validate(values)


def test_every_held_out_row_is_scored_once(
    spark: SparkSession, rows: pd.DataFrame, candidates, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [{**r, "rated_at": START} for r in rows.to_dict("records")]
    samples = spark.createDataFrame(
        [tuple(_typed(r, f) for f in SAMPLES.schema) for r in records[::-1]], SAMPLES.schema
    )
    seen: dict[str, pd.DataFrame] = {}

    def stand_in(name: str, splits: dict[str, pd.DataFrame], config: Config) -> list[Candidate]:
        seen.update(splits)
        return candidates[name]

    monkeypatch.setattr(fitted, "_candidates", stand_in)
    names = ("lightgbm", "factorisation")
    (scored,) = fitted_scores(samples, len(rows), configured(predictors=names))
    listed = list_scores(scored)
    assert set(listed.columns) == {*PREDICTIONS.columns, "split"}
    found = listed.toPandas()
    for split_name, frame in split(rows).items():
        given = seen[split_name]
        for column in ("user_id", "movie_id", "rating", *boosting.COLUMNS):
            np.testing.assert_allclose(given[column], frame[column], err_msg=column)
    for name in names:
        own = found[found.run_id == f"{name}-mine"].sort_values(["user_id", "movie_id"])
        assert len(own) == (rows.split != "train").sum()
        labels = split(rows)["validation"].label.to_numpy()
        best = choose(name, candidates[name], labels)
        for split_name, scores in (("validation", best.validation), ("test", best.test)):
            np.testing.assert_array_equal(own[own.split == split_name].score, scores)


def _typed(row: dict[str, Any], field: StructField) -> Any:
    value = row.get(field.name)
    return float(value) if value is not None and field.dataType == DoubleType() else value


def test_nothing_is_read_if_no_predictor_is_configured() -> None:
    assert fitted_scores(None, 10**9, configured()) == []  # type: ignore[arg-type]


def test_too_many_rows_for_the_driver_are_refused() -> None:
    config = configured(predictors=["factorisation"], max_fitted_rows=99)
    with pytest.raises(ConfigurationError, match=r"100 samples, more than scoring.max_fitted"):
        fitted_scores(None, 100, config)  # type: ignore[arg-type]


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    predictors.require_packages(["factorisation", "lightgbm"])
    monkeypatch.setattr(predictors.importlib.util, "find_spec", lambda name: None)
    predictors.require_packages(["factorisation"])
    with pytest.raises(ConfigurationError, match=r"pip install 'mmdin\[lightgbm\]'"):
        predictors.require_packages(["factorisation", "lightgbm"])
