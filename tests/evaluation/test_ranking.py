"""Ranking metrics against a slow reference, trec_eval and the jackknife of the other metrics."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
import pytrec_eval
from pyspark.sql import SparkSession

from mmdin.evaluation.metrics import Z_95
from mmdin.evaluation.ranking import COMPARED, RankedLists, measure_lists, measure_users
from mmdin.evaluation.statistics import standard_errors
from mmdin.metrics import RANKING_METRICS

USERS, MOVIES, TOP = 40, 60, 7
METHODS = ("good", "bad", "good again")
TREC = {"ndcg": "ndcg_cut", "recall": "recall", "precision": "P", "hit_rate": "success"}

Lists = dict[str, dict[int, list[int]]]


class Case:
    """Users' relevant movies, and lists for them by a method that knows something and one that
    does not. User 0 gets no list, user 1's is short, user 2 likes more movies than fit."""

    def __init__(self) -> None:
        generator = np.random.default_rng(5)
        movies = np.arange(MOVIES)
        self.shares = {m: (m + 1) / MOVIES for m in range(MOVIES)}
        self.relevant = {
            user: {int(m) for m in generator.choice(movies, 1 + user % 5, replace=False)}
            for user in range(USERS)
        }
        self.relevant[2] = set(range(TOP + 4))
        self.known = {user for user in self.relevant if user % 4}
        good, bad = {}, {}
        for user, liked in self.relevant.items():
            shuffled = [int(m) for m in generator.permutation(movies)]
            bad[user] = shuffled[: TOP + 2]
            noise = {m: generator.random() + 0.9 * (m in liked) for m in shuffled}
            good[user] = sorted(shuffled, key=lambda m: -noise[m])[: TOP + 2]
        good[1] = good[1][:2]
        del good[0]
        self.lists: Lists = dict(zip(METHODS, (good, bad, good), strict=True))


def reference(listed: list[int], liked: set[int], shares: Mapping[int, float]) -> dict[str, float]:
    """The metrics of one list, place by place."""
    listed = listed[:TOP]
    best = min(len(liked), TOP)
    gain = hits = precisions = first = 0.0
    for rank, movie in enumerate(listed, start=1):
        if movie in liked:
            hits += 1
            gain += 1 / math.log2(rank + 1)
            precisions += hits / rank
            first = first or 1 / rank
    return {
        "ndcg": gain / sum(1 / math.log2(rank + 1) for rank in range(1, best + 1)),
        "recall": hits / len(liked),
        "precision": hits / TOP,
        "map": precisions / best,
        "mrr": first,
        "hit_rate": float(hits > 0),
        "novelty": float(np.mean([-math.log2(shares[m]) for m in listed])) if listed else math.nan,
    }


@pytest.fixture(scope="module")
def case() -> Case:
    return Case()


@pytest.fixture(scope="module")
def ranked(spark: SparkSession, case: Case) -> RankedLists:
    lists = [
        (method, user, rank, movie)
        for method, of_users in case.lists.items()
        for user, listed in of_users.items()
        for rank, movie in enumerate(listed, start=1)
    ]
    relevant = [(u, m, u in case.known) for u, liked in case.relevant.items() for m in liked]
    return RankedLists(
        spark.createDataFrame(lists, "method string, user_id long, rank int, movie_id long"),
        spark.createDataFrame(relevant, "user_id long, movie_id long, is_known boolean"),
        spark.createDataFrame(list(case.shares.items()), "movie_id long, share double"),
        METHODS,
        TOP,
    )


@pytest.fixture(scope="module")
def by_user(ranked: RankedLists) -> pd.DataFrame:
    return measure_users(ranked).toPandas().set_index(["method", "user_id"]).sort_index()


def test_every_users_metrics_equal_a_slow_reference(by_user: pd.DataFrame, case: Case) -> None:
    assert len(by_user) == len(METHODS) * USERS
    for (method, user), found in by_user.iterrows():
        listed = case.lists[method].get(user, [])
        expected = reference(listed, case.relevant[user], case.shares)
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, abs=1e-12, nan_ok=True), (method, user, name)
        assert found["is_known"] == (user in case.known)


def test_every_users_metrics_equal_trec_evals(by_user: pd.DataFrame, case: Case) -> None:
    relevant = {str(u): {str(m): 1 for m in liked} for u, liked in case.relevant.items()}
    measures = {f"{name}.{TOP}" for name in TREC.values()} | {f"map_cut.{TOP}"}
    for method, of_users in case.lists.items():
        run = {
            str(user): {str(m): float(-place) for place, m in enumerate(listed[:TOP])}
            for user, listed in of_users.items()
        }
        trec = pytrec_eval.RelevanceEvaluator(relevant, {*measures, "recip_rank"}).evaluate(run)
        for user in of_users:
            found, expected = by_user.loc[(method, user)], trec[str(user)]
            for name, theirs in TREC.items():
                assert found[name] == pytest.approx(expected[f"{theirs}_{TOP}"], abs=1e-9), name
            assert found["mrr"] == pytest.approx(expected["recip_rank"], abs=1e-9)
            # trec_eval divides by all relevant documents, also if they are more than fit.
            liked = len(case.relevant[user])
            ours = found["map"] * min(liked, TOP) / liked
            assert ours == pytest.approx(expected[f"map_cut_{TOP}"], abs=1e-9)


def test_means_intervals_and_differences_are_those_of_users(
    ranked: RankedLists, by_user: pd.DataFrame, case: Case
) -> None:
    metrics, differences = (pd.DataFrame(rows) for rows in measure_lists(ranked))
    means = metrics.set_index(["slice", "method", "metric"]).sort_index()
    assert len(means) == 3 * len(METHODS) * len(RANKING_METRICS)
    users = {"all": {*case.relevant}, "known": case.known, "new": {*case.relevant} - case.known}
    assert set(metrics["movies"]) == {MOVIES}
    by_pair = differences.set_index(["slice", "method", "other", "metric"]).sort_index()
    assert len(by_pair) == 3 * 6 * len(COMPARED)
    for name, chosen in users.items():
        values = {
            method: by_user.loc[method].loc[sorted(chosen), list(COMPARED)].to_numpy()
            for method in METHODS
        }
        for method in METHODS:
            found = means.loc[(name, method)].loc[list(COMPARED)]
            assert set(found["users"]) == {len(chosen)}
            error = Z_95 * jackknife(values[method])
            mean = values[method].mean(axis=0)
            np.testing.assert_allclose(found["mean"].astype(float), mean)
            np.testing.assert_allclose(found["lower"].astype(float), np.maximum(mean - error, 0))
            np.testing.assert_allclose(found["upper"].astype(float), np.minimum(mean + error, 1))
            listed = {m for u in chosen for m in case.lists[method].get(u, [])[:TOP]}
            coverage = means.loc[(name, method, "coverage")]
            assert coverage["mean"] == pytest.approx(len(listed) / MOVIES)
            assert pd.isna(coverage["lower"])
        for one, other in (("good", "bad"), ("bad", "good")):
            found = by_pair.loc[(name, one, other)].loc[list(COMPARED)]
            between = values[one] - values[other]
            error = Z_95 * jackknife(between)
            np.testing.assert_allclose(found["difference"], between.mean(axis=0), atol=1e-12)
            np.testing.assert_allclose(found["lower"], between.mean(axis=0) - error, atol=1e-12)
            np.testing.assert_allclose(found["upper"], between.mean(axis=0) + error, atol=1e-12)
    assert by_pair.loc[("all", "good", "bad", "ndcg"), "verdict"] == "better"
    assert by_pair.loc[("all", "bad", "good", "ndcg"), "verdict"] == "worse"
    assert set(by_pair.loc[("all", "good", "good again")]["verdict"]) == {"open"}


def jackknife(values: np.ndarray) -> np.ndarray:
    """Standard errors of means over users, as of the other metrics."""
    return standard_errors((values - values.mean(axis=0)) / len(values))
