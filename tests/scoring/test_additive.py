"""The additive predictor against slow, obvious calculations."""

import datetime
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from sklearn.linear_model import LogisticRegression

from mmdin.config import Protocol, Samples
from mmdin.hashing import fold_of
from mmdin.schemas import PREDICTIONS, SAMPLES
from mmdin.scoring.additive import (
    Strengths,
    add_additive,
    additive_scores,
    estimate_strengths,
    solve_strengths,
)
from mmdin.scoring.scored import list_scores

START = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
STRENGTHS = Strengths(rating=3.4, movie=4.0, user=2.5)
PROTOCOLS: tuple[Protocol, ...] = ("point_in_time", "random", "leaky")
SEED = 3


def draw(ratings: int, users: int, movies: int, seed: int) -> pd.DataFrame:
    """Ratings of users and movies with effects of deviation 0.4 and 0.5, and noise of 0.8."""
    generator = np.random.default_rng(seed)
    pairs = generator.choice(users * movies, ratings, replace=False)
    user, movie = np.divmod(pairs, movies)
    of_user, of_movie = generator.normal(0, 0.4, users), generator.normal(0, 0.5, movies)
    stars = 3.4 + of_user[user] + of_movie[movie] + generator.normal(0, 0.8, ratings)
    return pd.DataFrame({"user_id": user + 1, "movie_id": movie + 1, "rating": stars})


@pytest.fixture(scope="module")
def ratings(spark: SparkSession) -> pd.DataFrame:
    """Three hundred ratings in few seconds, a fifth of them held out, and their folds."""
    rows = draw(300, users=20, movies=30, seed=5)
    generator = np.random.default_rng(6)
    rows["rating"] = np.clip(np.round(rows.rating * 2) / 2, 0.5, 5)
    rows["label"] = (rows.rating >= 3.5).astype(int)
    second = generator.integers(0, 40, len(rows))
    rows["rated_at"] = [START + datetime.timedelta(seconds=int(s)) for s in second]
    splits = np.where(second < 25, "train", np.where(second < 32, "validation", "test"))
    rows["split"] = splits
    keys = spark.createDataFrame(rows[["user_id", "movie_id"]])
    folds = keys.select("user_id", "movie_id", fold_of(SEED, 3).alias("fold")).toPandas()
    return rows.merge(folds, on=["user_id", "movie_id"])


def knows(protocol: Protocol) -> Callable[[pd.Series, pd.DataFrame], pd.Series]:
    """Which of some ratings a row may know."""
    if protocol == "point_in_time":
        return lambda row, others: others.rated_at < row.rated_at
    if protocol == "leaky":
        return lambda row, others: others.rated_at.notna()
    return lambda row, others: (
        (others.split == "train") & ((others.fold != row.fold) | (row.split != "train"))
    )


def with_statistics(ratings: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """The ratings with the statistics that build_samples gives them."""
    known, found = knows(protocol), []
    for _, row in ratings.iterrows():
        seen = ratings[known(row, ratings)]
        of_movie = seen[seen.movie_id == row.movie_id].rating
        of_user = seen[seen.user_id == row.user_id].rating
        mean = of_movie.mean() if len(of_movie) else None
        found.append((len(of_movie), mean, len(of_user)))
    names = ["movie_rating_count", "movie_rating_mean", "user_rating_count"]
    return ratings.assign(**dict(zip(names, zip(*found, strict=True), strict=True)))


def to_samples(spark: SparkSession, rows: pd.DataFrame) -> DataFrame:
    moments = [moment.to_pydatetime() for moment in rows.rated_at]
    records = rows.astype(object).where(rows.notna(), None).to_dict("records")
    records = [{**r, "rated_at": at} for r, at in zip(records, moments, strict=True)]
    return spark.createDataFrame(
        [tuple(r.get(c) for c in SAMPLES.columns) for r in records], SAMPLES.schema
    )


def slow_additive(rows: pd.DataFrame, protocol: Protocol, strengths: Strengths) -> np.ndarray:
    """The number of every row, one after the other."""
    known = knows(protocol)
    above = [
        0.0
        if row.movie_rating_count == 0
        else (row.movie_rating_mean - strengths.rating)
        * row.movie_rating_count
        / (row.movie_rating_count + strengths.movie)
        for row in rows.itertuples()
    ]
    residual = rows.rating - strengths.rating - above
    numbers = []
    for place, row in rows.iterrows():
        own = residual[known(row, rows) & (rows.user_id == row.user_id)]
        of_user = own.sum() / (len(own) + strengths.user)
        numbers.append(strengths.rating + above[place] + of_user)
    return np.array(numbers)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_it_is_the_slow_sum_of_what_the_row_may_know(
    spark: SparkSession, ratings: pd.DataFrame, protocol: Protocol
) -> None:
    rows = with_statistics(ratings, protocol)
    section = Samples(protocol=protocol, folds=3)
    added = add_additive(to_samples(spark, rows), STRENGTHS, section, SEED).toPandas()
    keys = ["user_id", "movie_id"]
    found = rows.merge(added[[*keys, "additive"]], on=keys, how="left").additive
    np.testing.assert_allclose(found, slow_additive(rows, protocol, STRENGTHS), atol=1e-5)
    assert found.nunique() > 100


def sums_of(rows: pd.DataFrame, key: str) -> dict[str, float]:
    per_key = rows.groupby(key).rating.agg(["size", "sum"])
    return {
        "keys": len(per_key),
        "rows": len(rows),
        "rows_squared": (per_key["size"] ** 2).sum(),
        "stars": rows.rating.sum(),
        "squares": (rows.rating**2).sum(),
        "between": (per_key["sum"] ** 2 / per_key["size"]).sum(),
    }


def test_strengths_solve_the_expected_sums_of_squares() -> None:
    """The expectation of a quadratic form y'Py is trace(PV), here with whole matrices."""
    rows = draw(150, users=12, movies=20, seed=2)
    movie, user = (
        (rows[key].to_numpy()[:, None] == rows[key].unique()).astype(float)
        for key in ("movie_id", "user_id")
    )
    everyone = np.ones((len(rows), 1))
    rest = np.eye(len(rows))
    variances = [movie @ movie.T, user @ user.T, rest]
    forms = [onto @ np.linalg.pinv(onto) for onto in (movie, user, rest)]
    forms = [form - everyone @ np.linalg.pinv(everyone) for form in forms]
    expected = [[np.trace(form @ v) for v in variances] for form in forms]
    y = rows.rating.to_numpy()
    found = np.linalg.solve(expected, [y @ form @ y for form in forms])
    strengths = solve_strengths(sums_of(rows, "movie_id"), sums_of(rows, "user_id"))
    assert (found > 0).all()
    assert strengths.rating == pytest.approx(y.mean(), rel=1e-5)
    assert strengths.movie == pytest.approx((found[1] + found[2]) / found[0], rel=1e-4)
    assert strengths.user == pytest.approx(found[2] / found[1], rel=1e-4)


def test_planted_variances_are_found() -> None:
    rows = draw(60_000, users=1000, movies=600, seed=1)
    strengths = solve_strengths(sums_of(rows, "movie_id"), sums_of(rows, "user_id"))
    assert strengths.movie == pytest.approx((0.4**2 + 0.8**2) / 0.5**2, rel=0.15)
    assert strengths.user == pytest.approx(0.8**2 / 0.4**2, rel=0.15)


@pytest.mark.parametrize(("varying", "other"), [("movie", "user"), ("user", "movie")])
def test_what_does_not_vary_is_shrunken_to_almost_nothing(varying: str, other: str) -> None:
    rows = draw(20_000, users=100, movies=400, seed=1)
    noise = np.random.default_rng(2).normal(0, 0.8, len(rows))
    rows["rating"] = 3 + rows[f"{varying}_id"] % 4 / 2 + noise
    strengths = solve_strengths(sums_of(rows, "movie_id"), sums_of(rows, "user_id"))
    assert getattr(strengths, varying) < 5
    assert getattr(strengths, other) > 100


def test_strengths_are_finite_if_nothing_can_be_told() -> None:
    rows = pd.DataFrame({"user_id": [1, 2, 3], "movie_id": [1, 2, 3], "rating": [3.0, 4.0, 4.0]})
    for ratings in (rows, rows.assign(rating=4.0), rows.assign(movie_id=1)):
        strengths = solve_strengths(sums_of(ratings, "movie_id"), sums_of(ratings, "user_id"))
        assert 0 < strengths.movie < np.inf
        assert 0 < strengths.user < np.inf


def test_scores_are_a_logistic_fit_on_training_rows(
    spark: SparkSession, ratings: pd.DataFrame
) -> None:
    rows = with_statistics(ratings, "point_in_time")
    samples = to_samples(spark, rows)
    train = rows.split == "train"
    strengths = solve_strengths(sums_of(rows[train], "movie_id"), sums_of(rows[train], "user_id"))
    assert estimate_strengths(samples.where("split = 'train'")) == strengths
    section = Samples(protocol="point_in_time", name="mine")
    scored = list_scores(additive_scores(samples, section, SEED))
    assert set(scored.columns) == {*PREDICTIONS.columns, "split"}
    found = scored.toPandas()
    assert set(found.run_id) == {"additive-mine"}
    number = slow_additive(rows, "point_in_time", strengths)
    reference = LogisticRegression(C=np.inf, tol=1e-12, solver="newton-cholesky")
    reference.fit(number[train][:, None], rows.label[train])
    held_out = rows[~train].assign(expected=reference.predict_proba(number[~train][:, None])[:, 1])
    both = held_out.merge(found[["user_id", "movie_id", "score"]], how="left")
    np.testing.assert_allclose(both.score, both.expected, atol=1e-3)


def test_a_number_that_goes_with_fewer_positives_tells_nothing(
    spark: SparkSession, ratings: pd.DataFrame
) -> None:
    contrary = with_statistics(ratings.assign(label=1 - ratings.label), "leaky")
    section = Samples(protocol="leaky", folds=3)
    scored = list_scores(additive_scores(to_samples(spark, contrary), section, SEED)).collect()
    share = contrary.label[contrary.split == "train"].mean()
    assert [row["score"] for row in scored] == pytest.approx([share] * len(scored))
