"""From ratings to lists in Spark, without a network: ALS, candidates, orders and the weight."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from mmdin.config import Recommend
from mmdin.errors import ConfigurationError
from mmdin.evaluation.ranking import RankedLists, measure_users
from mmdin.metrics import RANKING_METHODS
from mmdin.recommendation import als
from mmdin.recommendation.als import Factors, Setting, checkpoints_in, factorise
from mmdin.recommendation.candidates import choose_candidates
from mmdin.recommendation.catalogue import allow
from mmdin.recommendation.moments import HeldOut, hold_out
from mmdin.recommendation.reranking import (
    Candidates,
    ndcg_by_weight,
    rank_candidates,
    standardise,
)

SETTING = Setting(4, 0.1, 10.0)
FIRST, LAST = 1000, 1999
NEW, WITHOUT_LIKES = 2**40, 7
BY_SCORE, BY_POPULARITY, TOP = 6, 5, 4


@pytest.fixture(scope="module")
def ratings() -> pd.DataFrame:
    """Users of two tastes; one without likes, and one who rates nothing before the moment."""
    generator = np.random.default_rng(9)
    rows = []
    for user in range(24):
        movies = generator.permutation(30)[:14]
        seconds = np.r_[generator.integers(0, FIRST, 9), generator.integers(FIRST, LAST + 500, 5)]
        likes = (generator.random(14) < 0.2 + 0.6 * (movies % 2 == user % 2)).astype(int)
        if user == WITHOUT_LIKES:
            likes[:9] = 0
        rows += zip([user] * 14, movies * 3, likes, seconds, strict=True)
    rows += [(NEW, 3 * movie, 1, FIRST) for movie in range(3)]
    columns = ["user_id", "movie_id", "label", "seconds"]
    return pd.DataFrame(rows, columns=columns).astype("int64").drop_duplicates(columns[:2])


@pytest.fixture(scope="module")
def held_out(spark: SparkSession, ratings: pd.DataFrame) -> HeldOut:
    return hold_out(spark.createDataFrame(ratings), FIRST, LAST)


@pytest.fixture(scope="module")
def factors(
    spark: SparkSession, held_out: HeldOut, tmp_path_factory: pytest.TempPathFactory
) -> Factors:
    folder = tmp_path_factory.mktemp("recommend") / "checkpoints"
    with checkpoints_in(spark, str(folder)), pytest.MonkeyPatch.context() as patch:
        patch.setattr(als, "_ITERATIONS", 3)
        found = factorise(held_out.moment.likes, held_out.moment.catalogue, SETTING, seed=1)
        assert list(folder.iterdir())
    assert not folder.exists()
    return found


@pytest.fixture(scope="module")
def candidates(held_out: HeldOut, factors: Factors) -> pd.DataFrame:
    moment = held_out.moment
    counts = (BY_SCORE, BY_POPULARITY)
    chosen = choose_candidates(held_out.users, moment.known, factors, moment.catalogue, *counts)
    return chosen.toPandas()


@pytest.fixture(scope="module")
def standardised(spark: SparkSession, candidates: pd.DataFrame) -> DataFrame:
    """The candidates, with a network's scores that rise with the movie."""
    scored = candidates.assign(score=(candidates["movie_id"] + 1.0) / 100)
    return standardise(spark.createDataFrame(scored)).localCheckpoint()


def test_only_earlier_ratings_are_known_and_later_likes_relevant(
    held_out: HeldOut, ratings: pd.DataFrame
) -> None:
    before = ratings[ratings["seconds"] < FIRST]
    known = held_out.moment.known.toPandas()
    assert set(known["user_id"] * 100 + known["movie_id"]) == set(
        before["user_id"] * 100 + before["movie_id"]
    )
    within = ratings[ratings["seconds"].between(FIRST, LAST) & (ratings["label"] == 1)]
    relevant = held_out.relevant.toPandas()
    assert sorted(relevant["movie_id"]) == sorted(within["movie_id"])
    assert set(relevant.loc[~relevant["is_known"], "user_id"]) == {NEW}
    catalogue = held_out.moment.catalogue
    assert list(catalogue.movie_ids) == sorted(before["movie_id"].unique())
    assert catalogue.users == before["user_id"].nunique()
    likes = before.groupby("movie_id")["label"].sum()
    np.testing.assert_allclose(catalogue.popularity, likes / catalogue.users)


def test_candidates_are_unseen_and_the_best_of_the_whole_catalogue(
    held_out: HeldOut, factors: Factors, candidates: pd.DataFrame, ratings: pd.DataFrame
) -> None:
    catalogue = held_out.moment.catalogue
    of_users = factors.of_users.toPandas().set_index("user_id")["factors"]
    assert not {NEW, WITHOUT_LIKES} & set(of_users.index)
    assert set(candidates["user_id"]) >= {NEW, WITHOUT_LIKES}
    before = ratings[ratings["seconds"] < FIRST].groupby("user_id")["movie_id"].agg(set)
    for user, rows in candidates.groupby("user_id"):
        seen = before.get(user, set())
        values = catalogue.popularity
        if user in of_users.index:
            values = factors.of_movies @ np.array(of_users[user], np.float32)
        scores = pd.Series(values, catalogue.movie_ids)
        left = scores.drop(list(seen)).sort_values(ascending=False)
        popular = pd.Series(catalogue.popularity, catalogue.movie_ids).drop(list(seen))
        popular = popular.sort_values(ascending=False, kind="stable")
        found = rows.set_index("movie_id")["candidate_score"]
        assert not seen & set(found.index)
        assert {*popular.index[:BY_POPULARITY]} <= set(found.index)
        assert len(found) <= BY_SCORE + BY_POPULARITY
        assert found.min() <= left.iloc[BY_SCORE - 1] + 1e-6
        np.testing.assert_allclose(found.sort_values(ascending=False)[:TOP], left[:TOP], atol=1e-6)


def test_als_finds_the_users_taste(candidates: pd.DataFrame) -> None:
    known = candidates[~candidates["user_id"].isin([NEW, WITHOUT_LIKES])]
    of_taste = known["movie_id"] // 3 % 2 == known["user_id"] % 2
    scores = known["candidate_score"]
    assert scores[of_taste].mean() > scores[~of_taste].mean() + 0.1


def test_lists_follow_their_method_and_the_weight_their_ndcg(
    held_out: HeldOut, standardised: DataFrame
) -> None:
    lists = rank_candidates(standardised, 0.3, TOP).localCheckpoint()
    rows = lists.toPandas().sort_values(["method", "user_id", "rank"])
    assert set(rows["method"]) == set(RANKING_METHODS)
    value = {
        "popularity": rows["popularity"],
        "als": rows["candidate_score"],
        "network": rows["score"],
        "combined": 0.7 * rows["candidate_z"] + 0.3 * rows["network_z"],
    }
    for method, values in value.items():
        for _, of_user in values[rows["method"] == method].groupby(rows["user_id"]):
            assert len(of_user) == TOP
            assert of_user.is_monotonic_decreasing
    relevant = held_out.relevant
    counts = relevant.groupBy("user_id").agg(F.count("*").alias("relevant"))
    hits = relevant.select("user_id", "movie_id", F.lit(1.0).alias("gain"))
    joined = standardised.join(counts, "user_id").join(hits, ["user_id", "movie_id"], "left")
    table = Candidates.of(joined.fillna(0.0, ["gain"]).toArrow())
    shares = held_out.moment.catalogue.numbered(lists.sparkSession).select("movie_id", "share")
    ranked = RankedLists(lists, relevant, shares, ("combined",), TOP)
    (ndcg,) = measure_users(ranked).agg(F.avg("ndcg")).collect()[0]
    assert ndcg == pytest.approx(ndcg_by_weight(table, TOP)[0.3])
    assert ndcg > 0


def test_filters_allow_what_they_say_or_are_refused(spark: SparkSession, held_out: HeldOut) -> None:
    catalogue = held_out.moment.catalogue
    described = [
        (int(m), 1980 + int(m) % 20, ["Drama", "War"] if m % 2 else ["Comedy"])
        for m in catalogue.movie_ids[1:]
    ]
    schema = "movie_id long, release_year int, genres array<string>"
    movies = spark.createDataFrame(described, schema)
    wanted = Recommend(genres=("War",), release_years=(1985, 1995), min_ratings=2)
    allowed = allow(catalogue, movies, wanted)
    expected = {m for m, year, genres in described if "War" in genres and 1985 <= year <= 1995}
    popular = set(catalogue.movie_ids[catalogue.ratings >= 2])
    assert set(catalogue.movie_ids[allowed.is_allowed]) == expected & popular
    assert 0 < allowed.is_allowed.sum() < len(expected) + 1
    assert allow(catalogue, movies, Recommend()).is_allowed.all()
    with pytest.raises(ConfigurationError, match=r"Wat.*Comedy, Drama, War"):
        allow(catalogue, movies, Recommend(genres=("Wat",)))
    with pytest.raises(ConfigurationError, match="allow more"):
        allow(catalogue, movies, Recommend(min_ratings=10_000))
    assert replace(catalogue, is_allowed=allowed.is_allowed).users == catalogue.users
