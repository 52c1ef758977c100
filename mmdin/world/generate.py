"""Generate the world in Spark: ratings by blocks of users, then posters, movies and the truth."""

import logging
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from mmdin.config import Config
from mmdin.connect import require_classic
from mmdin.schemas import TRUE_PROBABILITIES
from mmdin.storage import spark_url
from mmdin.tables import Tables
from mmdin.world import files
from mmdin.world.calibration import calibrate
from mmdin.world.catalogue import Catalogue, draw_catalogue
from mmdin.world.looks import poster_measures
from mmdin.world.plans import draw_plan
from mmdin.world.population import Population, draw_population
from mmdin.world.posters import draw_poster
from mmdin.world.rating_process import TERMS, Calibration, Outcomes, rate
from mmdin.world.seeds import POSTER
from mmdin.world.summary import describe

log = logging.getLogger(__name__)

RATED = ", ".join(
    (
        "user_id long, movie_id long, rating double, seconds long, probability double",
        *(f"{term} double" for term in TERMS),
    )
)
"""Columns of the generated ratings: rating in stars, seconds since 1970, terms in log-odds."""

_USERS_PER_BLOCK = 512
_USERS_PER_TASK = 2048
_MOVIES_PER_TASK = 250


def generate_world(spark: SparkSession, config: Config) -> None:
    """Write ratings.csv, movies.csv, links.csv, the posters and the table true_probabilities.

    The same configuration gives the same files and rows on any number of cores.

    Raises:
        ClusterError: if the session is one of Spark Connect.
        ConfigurationError: if a folder to write to is not given or not local.
        InputDataError: if a folder holds files that were not generated.
    """
    require_classic(spark, "make_demo_data sends the world to tasks through a SparkContext")
    movielens, posters = files.check_places(config)
    catalogue = draw_catalogue(config.world.movies, config.seed)
    population = draw_population(config.world, catalogue, config.seed)
    calibration = calibrate(config.world, population, catalogue, config.seed)
    new_movielens, new_posters = files.new_folder(movielens), files.new_folder(posters)

    rated = rate_all(spark, population, catalogue, calibration, config.seed)
    rated.persist(StorageLevel.DISK_ONLY)
    _write_ratings(rated, new_movielens, config)
    files.write_movies(new_movielens / "movies.csv", catalogue)
    files.write_links(new_movielens / "links.csv", catalogue)
    valid_posters = _draw_posters(spark, catalogue, new_posters, config)
    truth = rated.select(*TRUE_PROBABILITIES.columns)
    Tables.of(spark, config).write(TRUE_PROBABILITIES, truth)
    files.replace_files(movielens, new_movielens, _origin(config, posters))
    files.replace_folder(posters, new_posters)
    log.info("%s", describe(rated, valid_posters, calibration.base))
    rated.unpersist()


def rate_all(
    spark: SparkSession,
    population: Population,
    catalogue: Catalogue,
    calibration: Calibration,
    seed: int,
    partitions: int | None = None,
) -> DataFrame:
    """The ratings of all users, columns as in RATED, in order of user_id and movie_id.

    Args:
        spark: the session.
        population: the users.
        catalogue: the movies.
        calibration: of the rating process.
        seed: of the world.
        partitions: of the result, which does not depend on them.
    """
    users = population.ratings.size
    tasks = partitions or max(spark.sparkContext.defaultParallelism, -(-users // _USERS_PER_TASK))
    world = spark.sparkContext.broadcast((population, catalogue, calibration))

    def rate_users(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        population, catalogue, calibration = world.value
        for batch in batches:
            user_ids = batch.column(0).to_numpy()
            for start in range(0, user_ids.size, _USERS_PER_BLOCK):
                block = user_ids[start : start + _USERS_PER_BLOCK]
                plans = [draw_plan(int(user), population, catalogue, seed) for user in block]
                yield _to_arrow(rate(plans, catalogue, calibration))

    return spark.range(1, users + 1, 1, tasks).mapInArrow(rate_users, RATED)


def _to_arrow(outcomes: Outcomes) -> pa.RecordBatch:
    order = np.lexsort((outcomes.movie_id, outcomes.user_id))
    columns = {
        "user_id": outcomes.user_id,
        "movie_id": outcomes.movie_id,
        "rating": outcomes.rating,
        "seconds": outcomes.seconds,
        "probability": outcomes.probability,
        **{term: outcomes.terms[term] for term in TERMS},
    }
    return pa.RecordBatch.from_pydict({name: pa.array(v[order]) for name, v in columns.items()})


def _write_ratings(rated: DataFrame, folder: Path, config: Config) -> None:
    parts = folder / "parts"
    rated.select("user_id", "movie_id", "rating", "seconds").write.csv(
        spark_url(rated.sparkSession, str(parts))
    )
    world = config.world
    bad_rows = partial(files.bad_rating_rows, world.users, world.movies) if world.bad_rows else None
    files.join_ratings(parts, folder / "ratings.csv", bad_rows)


def _draw_posters(spark: SparkSession, catalogue: Catalogue, folder: Path, config: Config) -> int:
    """Draw every movie's poster into the folder; gives the number of valid ones."""
    faults = files.poster_faults(catalogue) if config.world.bad_rows else {}
    measures, seed = poster_measures(catalogue.looks), config.seed

    def draw_movies(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for movie_id in batch.column(0).to_pylist():
                saturation, brightness, frequency = measures[movie_id - 1].tolist()
                image = draw_poster(saturation, brightness, frequency, (seed, POSTER, movie_id))
                files.save_poster(folder, movie_id, image, faults.get(movie_id))
            yield pa.RecordBatch.from_pydict({"movies": pa.array([batch.num_rows])})

    tasks = max(spark.sparkContext.defaultParallelism, -(-catalogue.size // _MOVIES_PER_TASK))
    drawn = spark.range(1, catalogue.size + 1, 1, tasks).mapInArrow(draw_movies, "movies long")
    return int(drawn.agg(F.sum("movies")).collect()[0][0]) - len(faults)


def _origin(config: Config, posters: Path) -> dict[str, object]:
    return {
        "made_by": "make_demo_data",
        "seed": config.seed,
        "posters": str(posters),
        "world": config.world.model_dump(mode="json"),
    }
