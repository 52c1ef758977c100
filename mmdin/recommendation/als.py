"""Factors of users and movies from likes, by Spark ML's ALS with implicit preferences.

Hu, Koren and Volinsky 2008, doi 10.1109/ICDM.2008.22. A liked movie is a preference; every other
movie is a weak sign of none. Disliked movies are like those never seen: they are known all the
same, and never recommended again.
"""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyspark.ml.recommendation import ALS
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from mmdin.connect import is_classic
from mmdin.recommendation.catalogue import Catalogue
from mmdin.storage import files_at, spark_url

log = logging.getLogger(__name__)

_ITERATIONS = 10
_CHECKPOINT_EVERY = 2
_MOST_BLOCKS = 200


@dataclass(frozen=True)
class Setting:
    """What is chosen on validation rows.

    Attributes:
        rank: length of a factor.
        regularisation: regParam of ALS.
        alpha: by how much a like weighs more than no like.
    """

    rank: int
    regularisation: float
    alpha: float

    def __str__(self) -> str:
        return f"rank {self.rank}, regularisation {self.regularisation:g}, alpha {self.alpha:g}"


SETTINGS = (
    Setting(16, 0.1, 1.0),
    Setting(8, 0.01, 1.0),
    Setting(64, 0.1, 10.0),
)
"""Settings that are tried. The first is taken if there are no validation rows to choose on."""


@dataclass(frozen=True)
class Likes:
    """Likes with users and movies numbered, because ALS takes no long ids.

    Attributes:
        rows: user, movie (int).
        users: user_id, user, of users who like anything.
    """

    rows: DataFrame
    users: DataFrame


@dataclass(frozen=True)
class Factors:
    """What ALS has found.

    Attributes:
        of_users: user_id, factors (array of float).
        of_movies: float32 [movies, rank] by place in the catalogue; zeros for movies without likes.
    """

    of_users: DataFrame
    of_movies: NDArray[np.float32]


def number_likes(known: DataFrame, catalogue: Catalogue) -> Likes:
    """Number the likes among ratings: user_id, movie_id, label."""
    liked = known.where(F.col("label") == 1)
    # In one partition, these ids are 0, 1, 2, ...
    in_order = liked.select("user_id").distinct().coalesce(1).sortWithinPartitions("user_id")
    number = F.monotonically_increasing_id().cast("int")
    users = in_order.select("user_id", number.alias("user")).localCheckpoint()
    movies = F.broadcast(catalogue.numbered(known.sparkSession).select("movie_id", "movie"))
    rows = liked.join(users, "user_id").join(movies, "movie_id").select("user", "movie")
    return Likes(rows.localCheckpoint(), users)


@contextlib.contextmanager
def checkpoints_in(spark: SparkSession, folder: str) -> Iterator[None]:
    """Let factorise write its intermediate factors to a folder, which is deleted afterwards.

    Without it, tasks of a later iteration carry what leads to them from the first, and ten
    iterations come close to the end of a Java thread's stack: the executor would end. The server of
    a session of Spark Connect has to bring its own folder, spark.checkpoint.dir.
    """
    if not is_classic(spark):
        if not spark.conf.get("spark.checkpoint.dir", None):
            log.warning(
                "recommend: Spark Connect's server has no spark.checkpoint.dir: if ALS ends with a "
                "StackOverflowError, start the server with that set to a folder"
            )
        yield
        return
    spark.sparkContext.setCheckpointDir(spark_url(spark, folder))
    try:
        yield
    finally:
        files_at(spark, folder).remove(folder)


def factorise(likes: Likes, catalogue: Catalogue, setting: Setting, seed: int) -> Factors:
    """Factorise the likes, on the executors, within checkpoints_in."""
    partitions = int(likes.rows.sparkSession.conf.get("spark.sql.shuffle.partitions") or 1)
    blocks = min(partitions, _MOST_BLOCKS)
    als = ALS(
        rank=setting.rank,
        maxIter=_ITERATIONS,
        regParam=setting.regularisation,
        alpha=setting.alpha,
        implicitPrefs=True,
        numUserBlocks=blocks,
        numItemBlocks=blocks,
        userCol="user",
        itemCol="movie",
        ratingCol="preference",
        checkpointInterval=_CHECKPOINT_EVERY,
        seed=seed,
    )
    model = als.fit(likes.rows.withColumn("preference", F.lit(1.0)))
    table = model.itemFactors.toArrow()
    of_movies = np.zeros((len(catalogue.movie_ids), setting.rank), np.float32)
    factors = table["features"].combine_chunks().flatten().to_numpy()
    of_movies[table["id"].to_numpy()] = factors.reshape(-1, setting.rank)
    of_users = model.userFactors.select(F.col("id").alias("user"), F.col("features"))
    named = of_users.join(likes.users, "user").select("user_id", F.col("features").alias("factors"))
    return Factors(named, of_movies)
