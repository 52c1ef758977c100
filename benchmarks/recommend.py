"""Candidates against ALS.recommendForAllUsers, and scoring candidates against scoring every pair.

A world of random likes and an untrained network of MMDIN's usual size: only the time is looked at.
Each is measured after a warm-up, in one session. Candidates leave out what users have seen, which
recommendForAllUsers does not.
"""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyspark.ml.recommendation import ALS
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks.samples import KEYS
from benchmarks.sessions import open_session
from mmdin.config import Networks
from mmdin.inputs import INPUTS, NUMBERS
from mmdin.models import build_network
from mmdin.models.checkpoint import save_network
from mmdin.recommendation.als import Setting, checkpoints_in, factorise
from mmdin.recommendation.candidates import choose_candidates
from mmdin.recommendation.moments import Moment
from mmdin.scoring.networks import TrainedRun, add_network_scores
from mmdin.storage import local_folder

CANDIDATES = 100
LIKES_PER_USER = 60


def run(folder: Path, small: bool) -> dict[str, object]:
    """Seconds of candidates and of scores, and those of doing it for every pair by them."""
    users, movies = (200, 500) if small else (2000, 4000)
    spark = open_session()
    try:
        moment = Moment.at(1, _likes(spark, users, movies))
        setting = Setting(16, 0.1, 1.0)
        with checkpoints_in(spark, str(folder / "als")):
            factors = factorise(moment.likes, moment.catalogue, setting, seed=1)
        served = moment.known.select("user_id").distinct().localCheckpoint()
        shares = (CANDIDATES - CANDIDATES // 4, CANDIDATES // 4)
        candidates = choose_candidates(
            served, moment.known, factors, moment.catalogue, *shares
        ).localCheckpoint()
        every_pair = served.crossJoin(moment.known.select("movie_id").distinct())
        run = _untrained(folder / "network")
        model = ALS(rank=setting.rank, implicitPrefs=True, userCol="user", itemCol="movie", seed=1)
        fitted = model.fit(moment.likes.rows.withColumn("rating", F.lit(1.0)))
        seconds = {
            "candidates": _time(
                lambda: choose_candidates(served, moment.known, factors, moment.catalogue, *shares)
            ),
            "ALS.recommendForAllUsers": _time(lambda: fitted.recommendForAllUsers(CANDIDATES)),
            "scores of candidates": _time(lambda: _score(candidates, run)),
            "scores of every pair": _time(lambda: _score(every_pair, run)),
        }
    finally:
        spark.stop()
    return {
        "users": users,
        "movies": movies,
        "candidates": CANDIDATES,
        "seconds": {name: round(took, 2) for name, took in seconds.items()},
        "recommendForAllUsers by candidates": round(
            seconds["ALS.recommendForAllUsers"] / seconds["candidates"], 2
        ),
        "every pair by candidates": round(
            seconds["scores of every pair"] / seconds["scores of candidates"], 2
        ),
    }


def _likes(spark: SparkSession, users: int, movies: int) -> DataFrame:
    """Ratings of the second 0, all of them likes; low movies are the popular ones."""
    generator = np.random.default_rng(5)
    chosen = (movies * generator.random((users, LIKES_PER_USER)) ** 2).astype(np.int64)
    rated = [np.unique(row) for row in chosen]
    user_ids = np.repeat(np.arange(users), [len(row) for row in rated])
    columns = {"user_id": user_ids, "movie_id": np.concatenate(rated)}
    rows = spark.createDataFrame(pa.table(columns))
    return rows.withColumns({"label": F.lit(1), "seconds": F.lit(0).cast("long")})


def _untrained(folder: Path) -> TrainedRun:
    """A checkpoint of MMDIN with random weights."""
    folder.mkdir()
    save_network(local_folder(folder), build_network("mmdin", Networks(), KEYS))
    return TrainedRun("untrained", "mmdin", str(folder))


def _score(pairs: DataFrame, run: TrainedRun) -> DataFrame:
    """Scores of pairs whose inputs are random, so that nothing but the network takes time."""
    inputs = {
        i.column: F.pmod(F.xxhash64("user_id", "movie_id", F.lit(n)), F.lit(KEYS[i.vocabulary]))
        for n, i in enumerate(INPUTS)
    }
    encoded = {name: value.cast("int") for name, value in inputs.items()}
    numbers = {n.column: F.lit(0.5) for n in NUMBERS}
    described = pairs.withColumns({**encoded, **numbers})
    return add_network_scores(described, [run], 8192, ("user_id", "movie_id"))


def _time(make: Callable[[], DataFrame]) -> float:
    """Seconds of computing all rows, the second time."""
    for _ in range(2):
        started = time.monotonic()
        make().write.format("noop").mode("overwrite").save()
    return time.monotonic() - started
