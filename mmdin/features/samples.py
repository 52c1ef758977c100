"""Tables samples, vocabularies and bucket_edges, from ratings, movies and poster features.

The order of steps: describe the movies; label the ratings and select those in scope; split the
rows; fit the vocabularies and index the movies; add what each row may know of the past (statistics
and history, the costly part); fit the bucket edges; encode everything and write it to files.

To add a feature, write a function DataFrame -> DataFrame that adds its value in a file of this
folder, call it in add_features below (or in describe_movies, if it belongs to the movie), and
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
from mmdin.features.history import LIKED, add_history, spread_history
from mmdin.features.movies import describe_movies, shuffle_posters
from mmdin.features.order import shuffle_into_files
from mmdin.features.scene import add_scene
from mmdin.features.scope import IN_SCOPE, keep_in_scope, label_ratings
from mmdin.features.split import SPLITS, split_rows
from mmdin.features.vocabularies import fit_vocabularies, identifiers, look_up, vocabulary_rows
from mmdin.schemas import BUCKET_EDGES, MOVIES, POSTER_FEATURES, RATINGS, SAMPLES, VOCABULARIES
from mmdin.tables import Tables

log = logging.getLogger(__name__)


def write_samples(tables: Tables, config: Config) -> None:
    """Read ratings, movies and poster_features; write vocabularies, bucket_edges and samples.

    The same tables and configuration give the same rows in the same files.

    Raises:
        InputDataError: no rating is in scope, a split is empty, or the training rows are of one
            class.
    """
    posters = tables.read_small(POSTER_FEATURES)
    if config.samples.shuffle_posters:
        posters = shuffle_posters(posters, config.seed)
    movies = _computed(describe_movies(tables.read_small(MOVIES), posters))
    labelled = _computed(label_ratings(tables.read_small(RATINGS), movies, config.samples))
    in_scope = _count_scope(labelled)
    rows = split_rows(keep_in_scope(labelled), config.samples, config.seed)
    identified = join_movies(rows, movies.select("movie_id", *_GENRES))
    vocabularies = _computed(fit_vocabularies(identified))
    training_rows = _count_splits(vocabularies)

    movies = _computed(look_up(movies, vocabularies, identifiers(movies.columns)))
    rows = look_up(rows, vocabularies, identifiers({"user_id"}))
    described = add_features(rows, movies, config)
    described = _computed(shuffle_into_files(described, config.samples.files, config.seed))
    values = join_movies(described, movies)
    is_train = F.col("split") == "train"
    edges = fit_edges(values.where(is_train), training_rows, config.samples.buckets, config.seed)
    samples = add_buckets(values.withColumns(spread_history()), edges)

    tables.write(VOCABULARIES, vocabulary_rows(vocabularies))
    tables.write(BUCKET_EDGES, edges_to_rows(tables.spark, edges))
    tables.write(SAMPLES, samples.select(*SAMPLES.columns), partition_by="split")
    _check_written(tables, in_scope)


_GENRES = tuple(inputs.genre(slot) for slot in range(1, inputs.GENRE_SLOTS + 1))


def add_features(rows: DataFrame, movies: DataFrame, config: Config) -> DataFrame:
    """Add every value that differs between ratings; movies' own values are joined afterwards.

    Args:
        rows: of split_rows.
        movies: of describe_movies, with their indices.
        config: whose section samples counts.
    """
    protocol = config.samples.protocol
    described = ("release_year", *inputs.POSTER_FEATURES)
    rows = statistics.add_statistics(rows, "movie_id", statistics.movie_statistics, protocol)
    rows = join_movies(rows, movies.select(*LIKED, *described))
    rows = add_history(rows).drop(*LIKED[1:])
    rows = statistics.add_statistics(
        rows, "user_id", statistics.user_statistics, protocol, is_sorted=True
    )
    return add_scene(rows.drop(*described))


def join_movies(rows: DataFrame, movies: DataFrame) -> DataFrame:
    """Every row with its movie's columns; null if the movie is not listed.

    Movies are few enough (a hundred thousand take 20 MB) to be sent whole to every executor.
    """
    return rows.join(F.broadcast(movies), "movie_id", how="left")


def _computed(rows: DataFrame) -> DataFrame:
    """The same rows, computed now and kept on the executors' disks until nothing refers to them.

    Later steps then neither compute nor plan the steps before this one again: with windows of 40
    columns, planning took longer than computing 100 thousand rows. Compared with persist(), which
    turns rows into compressed columns and back, this took a third less time. If an executor is
    lost, so are its rows, and the job has to be run again.
    """
    return rows.localCheckpoint(eager=True, storageLevel=StorageLevel.DISK_ONLY)


def _count_scope(labelled: DataFrame) -> int:
    """Log how many ratings are in scope, and why others are not.

    Raises:
        InputDataError: none is.
    """
    counts = {r["scope"]: r["count"] for r in labelled.groupBy("scope").count().collect()}
    log.info("build_samples: %d ratings read", sum(counts.values()))
    for scope, count in sorted(counts.items()):
        log.info("build_samples: %d ratings %s", count, scope)
    if not counts.get(IN_SCOPE):
        raise InputDataError(
            f"none of {sum(counts.values())} ratings is in scope: see samples.max_movie_id and "
            "samples.with_posters_only"
        )
    in_scope: int = counts[IN_SCOPE]
    return in_scope


def _count_splits(vocabularies: DataFrame) -> int:
    """Log rows, labels and unseen identifiers of each split, and the sizes of vocabularies.

    Args:
        vocabularies: of fit_vocabularies.

    Returns:
        The number of training rows.

    Raises:
        InputDataError: a split is empty, or the training rows are of one class.
    """
    is_unseen = F.col("index").isNull()
    sums = [F.sum(f"{s}_{count}").alias(f"{s}_{count}") for s in SPLITS for count in _COUNTS]
    unseen = [F.count_if(is_unseen & (F.col(f"{s}_rows") > 0)).alias(f"{s}_unseen") for s in SPLITS]
    counted = vocabularies.groupBy("vocabulary").agg(F.count("index").alias("keys"), *sums, *unseen)
    counts = {row["vocabulary"]: row for row in counted.collect()}
    for split in SPLITS:
        # Every row has one user.
        rows, positives = (counts["user"][f"{split}_{count}"] for count in _COUNTS)
        if not rows:
            raise InputDataError(
                f"no {split} rows: too few ratings, or too few instants, for "
                "samples.validation_fraction and samples.test_fraction"
            )
        log.info("build_samples: %d %s rows, %.4f positive", rows, split, positives / rows)
        if split != "train" and positives in (0, rows):
            log.warning(
                "build_samples: all %s rows have the same label, so that ROC AUC is undefined: "
                "see samples.positive_rating and samples.%s_fraction",
                *(split, split),
            )
    if counts["user"]["train_positives"] in (0, counts["user"]["train_rows"]):
        raise InputDataError("all training rows have the same label: see samples.positive_rating")
    for name in ("user", "movie"):
        for split in SPLITS[1:]:
            log.info(
                "build_samples: %d %ss of %s rows have no training row",
                counts[name][f"{split}_unseen"],
                name,
                split,
            )
    for name, count in sorted(counts.items()):
        log.info("build_samples: vocabulary %s holds %d keys", name, count["keys"])
    training_rows: int = counts["user"]["train_rows"]
    return training_rows


_COUNTS = ("rows", "positives")


def _check_written(tables: Tables, expected: int) -> None:
    written = tables.read(SAMPLES).count()
    if written != expected:
        raise AssertionError(f"{expected} ratings are in scope, but {written} samples were written")
