"""Tables samples, vocabularies and bucket_edges, from ratings, movies and poster features.

The order of things: movies are described, ratings labelled and kept or left, rows split; movies
get their indices; rows get what they may know of the past (statistics and history, the costly
part); edges are fitted; everything is encoded and laid out in files.

To add a feature, write a function DataFrame -> DataFrame that adds its value in a file of this
folder, call it in add_features below (or in describe_movies, where it belongs to the movie), and
list the value in mmdin.inputs.INPUTS. The index or bucket then follows by itself. To have
the readable value in the table too, name it in mmdin.schemas.SAMPLE_VALUES.
"""

import logging

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from mmdin import inputs
from mmdin.config import Config
from mmdin.errors import InputDataError
from mmdin.features import statistics
from mmdin.features.buckets import add_buckets, edges_to_rows, fit_edges
from mmdin.features.history import PRAISED, add_history, spread_history
from mmdin.features.movies import describe_movies, shuffle_posters
from mmdin.features.order import in_order_of_chance
from mmdin.features.scene import add_scene
from mmdin.features.scope import IN_SCOPE, keep_in_scope, label_ratings
from mmdin.features.split import SPLITS, split_rows
from mmdin.features.vocabularies import fit_vocabularies, identifiers, look_up
from mmdin.schemas import BUCKET_EDGES, MOVIES, POSTER_FEATURES, RATINGS, SAMPLES, VOCABULARIES
from mmdin.tables import Tables

log = logging.getLogger(__name__)

_IS_TRAIN = "split = 'train'"


def write_samples(tables: Tables, config: Config) -> None:
    """Read ratings, movies and poster_features; write vocabularies, bucket_edges and samples.

    The same tables and configuration give the same rows in the same files. Raises InputDataError
    where no rating is in scope, a split is empty, or the training rows are of one class.
    """
    posters = tables.read(POSTER_FEATURES)
    if config.samples.shuffle_posters:
        posters = shuffle_posters(posters, config.seed)
    movies = _computed(describe_movies(tables.read(MOVIES), posters))
    labelled = label_ratings(tables.read(RATINGS), movies, config.samples)
    in_scope = _count_scope(labelled)
    rows = _computed(split_rows(keep_in_scope(labelled), config.samples, config.seed))
    training_rows = _count_splits(rows)
    _log_unseen(rows)

    vocabularies = _computed(fit_vocabularies(join_movies(rows.where(_IS_TRAIN), movies)))
    _log_vocabularies(vocabularies)
    movies = _computed(look_up(movies, vocabularies, identifiers(movies.columns)))
    rows = look_up(rows, vocabularies, identifiers({"user_id"}))

    known = add_features(rows, movies, config)
    known = _computed(in_order_of_chance(known, config.samples.files, config.seed))
    values = join_movies(known, movies)
    edges = fit_edges(values.where(_IS_TRAIN), training_rows, config.samples.buckets, config.seed)
    samples = add_buckets(values.withColumns(spread_history()), edges)

    tables.write(VOCABULARIES, vocabularies)
    tables.write(BUCKET_EDGES, edges_to_rows(tables.spark, edges))
    tables.write(SAMPLES, samples.select(*SAMPLES.columns), partition_by="split")
    _check_written(tables, in_scope)


def add_features(rows: DataFrame, movies: DataFrame, config: Config) -> DataFrame:
    """Add every value that differs between ratings; movies' own values are joined afterwards.

    Reads the rows of split_rows and the rows of describe_movies with their indices.
    """
    protocol = config.samples.protocol
    rows = statistics.add_statistics(rows, "movie_id", statistics.movie_statistics, protocol)
    rows = add_history(join_movies(rows, movies.select(*PRAISED))).drop(*PRAISED[1:])
    measured = ("release_year", *inputs.POSTER_FEATURES)
    rows = join_movies(rows, movies.select("movie_id", *measured))
    rows = statistics.add_statistics(rows, "user_id", statistics.user_statistics, protocol)
    return add_scene(rows.drop(*measured))


def join_movies(rows: DataFrame, movies: DataFrame) -> DataFrame:
    """Every row with its movie's columns; null where the movie is not listed.

    Movies are few enough (a hundred thousand take 20 MB) to be sent whole to every executor.
    """
    return rows.join(F.broadcast(movies), "movie_id", how="left")


def _computed(rows: DataFrame) -> DataFrame:
    """The same rows, computed now and kept on the executors' disks until nothing refers to them.

    What follows then neither computes nor plans the way here again: with windows of 40 columns,
    planning took longer than computing 100 thousand rows. Against persist(), which turns rows into
    compressed columns and back, this took a third less time. An executor that is lost takes its
    rows with it, and the job has to be run again.
    """
    return rows.localCheckpoint(eager=True, storageLevel=StorageLevel.DISK_ONLY)


def _count_scope(labelled: DataFrame) -> int:
    """Log how many ratings are in scope, and why others are not. Raises InputDataError for none."""
    counts = {r["scope"]: r["count"] for r in labelled.groupBy("scope").count().collect()}
    log.info("build_samples: %d ratings read", sum(counts.values()))
    for scope, count in sorted(counts.items()):
        log.info("build_samples: %d ratings %s", count, scope)
    if not counts.get(IN_SCOPE):
        raise InputDataError(
            f"none of {sum(counts.values())} ratings is in scope: see samples.max_movie_id and "
            "samples.with_posters_only"
        )
    return counts[IN_SCOPE]


def _count_splits(rows: DataFrame) -> int:
    """Log the rows and labels of each split and return the number of training rows.

    Raises InputDataError where a split is empty or the training rows are of one class.
    """
    counted = rows.groupBy("split").agg(
        F.count("label").alias("rows"), F.avg("label").alias("share")
    )
    counts = {r["split"]: r for r in counted.collect()}
    for split in SPLITS:
        if split not in counts:
            raise InputDataError(
                f"no {split} rows: too few ratings, or too few instants, for "
                "samples.validation_fraction and samples.test_fraction"
            )
        log.info(
            "build_samples: %d %s rows, %.4f positive",
            counts[split]["rows"],
            split,
            counts[split]["share"],
        )
    if counts["train"]["share"] in (0.0, 1.0):
        raise InputDataError("all training rows have the same label: see samples.positive_rating")
    return counts["train"]["rows"]


def _log_vocabularies(vocabularies: DataFrame) -> None:
    for row in vocabularies.groupBy("vocabulary").count().orderBy("vocabulary").collect():
        log.info("build_samples: vocabulary %s holds %d keys", row["vocabulary"], row["count"])


def _log_unseen(rows: DataFrame) -> None:
    for key in ("user_id", "movie_id"):
        occurs = {split: F.bool_or(F.col("split") == split).alias(split) for split in SPLITS}
        unseen = rows.groupBy(key).agg(*occurs.values()).where("not train")
        counts = unseen.agg(*(F.count_if(split).alias(split) for split in SPLITS)).collect()[0]
        for split in SPLITS[1:]:
            log.info(
                "build_samples: %d %ss of %s rows have no training row",
                counts[split],
                key.removesuffix("_id"),
                split,
            )


def _check_written(tables: Tables, expected: int) -> None:
    written = tables.read(SAMPLES).count()
    if written != expected:
        raise AssertionError(f"{expected} ratings are in scope, but {written} samples were written")
