"""Tables samples, vocabularies and bucket_edges, from ratings, movies and poster features.

The order of steps: describe the movies; label the ratings and select those in scope; split the
rows; fit the vocabularies and index the movies; compare ratings with others of their movies, and
fit the similarities of movies; add what each row may know of the past (statistics and history, the
costly part); fit the bucket edges; encode everything and write it to files.

To add a feature, write a function that adds its value in a file of this folder, call it in past.py
(in the function for what it is known of: movies, users or pairs) or, if it does not depend on
ratings, in describe_movies, and list the value in mmdin.inputs.INPUTS. The index or bucket then
follows by itself. To have the readable value in the table too, name it in
mmdin.schemas.SAMPLE_VALUES.
"""

import logging
from collections.abc import Mapping

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from mmdin import inputs
from mmdin.config import Config, Protocol
from mmdin.errors import InputDataError
from mmdin.features import statistics
from mmdin.features.biases import Baseline, fit_baseline, residual_among
from mmdin.features.buckets import add_buckets, edges_to_rows, fit_edges
from mmdin.features.history import HISTORY, spread_history
from mmdin.features.movies import join_movies, read_movies
from mmdin.features.neighbours import (
    Similarities,
    deviation,
    fit_similarities,
    similarities_to_rows,
)
from mmdin.features.order import computed, shuffle_into_files, sort_by_time
from mmdin.features.past import (
    LATEST,
    add_latest_ratings,
    add_movies_past,
    add_pair_values,
    add_residuals,
    add_user_values,
    add_users_past,
    describe_rated,
)
from mmdin.features.poster_tastes import POSTER_TASTE
from mmdin.features.scope import IN_SCOPE, keep_in_scope, label_ratings
from mmdin.features.split import SPLITS, split_rows
from mmdin.features.vocabularies import (
    fit_vocabularies,
    identifiers,
    look_up,
    sum_up,
    vocabulary_rows,
)
from mmdin.schemas import BUCKET_EDGES, MOVIE_SIMILARITIES, RATINGS, SAMPLES, VOCABULARIES
from mmdin.tables import Tables

log = logging.getLogger(__name__)


def write_samples(tables: Tables, config: Config) -> None:
    """Read ratings, movies and poster_features; write samples and what was fitted for them.

    The same tables and configuration give the same rows in the same files.

    Raises:
        InputDataError: no rating is in scope, a split is empty, or the training rows are of one
            class.
    """
    movies = computed(read_movies(tables, config.samples.shuffle_posters, config.seed))
    ratings = tables.read(RATINGS)
    labelled = computed(label_ratings(ratings, movies, config.samples, config.seed))
    in_scope = _count_scope(labelled)
    rows = split_rows(keep_in_scope(labelled), config.samples, config.seed)
    identified = join_movies(rows, movies.select("movie_id", *_GENRES))
    vocabularies = computed(fit_vocabularies(identified))
    sums = sum_up(vocabularies)
    _check_splits(sums)
    baseline = fit_baseline(sums)
    _log_baseline(baseline)

    movies = computed(look_up(movies, vocabularies, identifiers(movies.columns)))
    rows = look_up(rows, vocabularies, identifiers({"user_id"}))
    views = movie_views(rows, config.samples.protocol)
    rows = computed(compare_with_movies(rows, views, baseline))
    similarities = fit_similarities(
        join_movies(rows, movies.select("movie_id", "movie_index")), sums["movie"]["keys"]
    )
    described = add_features(rows, movies, views, baseline, similarities)
    described = computed(shuffle_into_files(described, config.samples.files, config.seed))
    values = join_movies(described, movies)
    is_train = F.col("split") == "train"
    training_rows = sums["user"]["train_rows"]
    edges = fit_edges(values.where(is_train), training_rows, config.samples.buckets, config.seed)
    samples = add_buckets(values.withColumns(spread_history()), edges)

    tables.write_all(
        {
            VOCABULARIES: vocabulary_rows(vocabularies),
            BUCKET_EDGES: edges_to_rows(tables.spark, edges),
            MOVIE_SIMILARITIES: similarities_to_rows(tables.spark, similarities),
        }
    )
    tables.write(SAMPLES, samples.select(*SAMPLES.columns), partition_by="split")
    _check_written(tables, in_scope)


_GENRES = tuple(inputs.genre(slot) for slot in range(1, inputs.GENRE_SLOTS + 1))


_USED = (
    "residual",
    "deviation",
    *statistics.UNSTORED,
    POSTER_TASTE,
    *(late.column for late in LATEST if late != HISTORY),
)
"""What values are computed from, and nothing else reads."""


def movie_views(rows: DataFrame, protocol: Protocol) -> DataFrame | None:
    """The movies' statistics in each view of the data, computed once; None if there are no views.

    Protocol point_in_time takes statistics from ratings of strictly earlier seconds; the other
    protocols from those that the row sees (columns sees and seen_by of mmdin.features.split).

    Args:
        rows: of split_rows.
        protocol: samples.protocol.
    """
    if protocol == "point_in_time":
        return None
    seen = statistics.by_view(sort_by_time(rows, "movie_id"))
    return computed(statistics.of_views(seen, "movie_id", statistics.movie_statistics()))


def compare_with_movies(rows: DataFrame, views: DataFrame | None, baseline: Baseline) -> DataFrame:
    """Add the movies' statistics, movie_bias, residual and deviation; in order of time by user.

    Args:
        rows: of split_rows.
        views: of movie_views.
        baseline: of fit_baseline.
    """
    if views is None:
        compared = add_movies_past(rows, baseline)
    else:
        compared = add_residuals(statistics.join_view(rows, views, "movie_id"), baseline)
    return sort_by_time(compared, "user_id").withColumn("deviation", deviation(baseline))


def add_features(
    rows: DataFrame,
    movies: DataFrame,
    views: DataFrame | None,
    baseline: Baseline,
    similarities: Similarities,
) -> DataFrame:
    """Add every other value that differs between ratings; movies' own are joined afterwards.

    Args:
        rows: of compare_with_movies.
        movies: of describe_movies, with their indices.
        views: of movie_views.
        baseline: of fit_baseline.
        similarities: of fit_similarities.
    """
    described = describe_rated(movies)
    if views is None:
        added = add_users_past(rows, described)
    else:
        added = _add_users_by_view(add_latest_ratings(rows, described), views, baseline)
    added = add_pair_values(add_user_values(added, baseline), similarities)
    return added.drop(*_USED, *(c for c in described.columns if c != "movie_id"))


def _add_users_by_view(rows: DataFrame, views: DataFrame, baseline: Baseline) -> DataFrame:
    known = statistics.by_view(rows.drop(*statistics.movie_statistics()))
    compared = known.join(F.broadcast(views), ["movie_id", "sees"]).withColumn(
        "residual", residual_among(baseline)
    )
    of_users = statistics.of_views(compared, "user_id", statistics.user_statistics())
    return statistics.join_view(rows, of_users, "user_id")


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
            f"none of {sum(counts.values())} ratings is in scope: see samples.max_movie_id, "
            "samples.with_posters_only, samples.min_user_ratings and samples.user_fraction"
        )
    in_scope: int = counts[IN_SCOPE]
    return in_scope


def _log_baseline(baseline: Baseline) -> None:
    log.info(
        "build_samples: mean rating %.3f; biases count %.1f ratings at the mean for each movie, "
        "%.1f for each user",
        baseline.mean,
        baseline.movie_prior,
        baseline.user_prior,
    )


def _check_splits(sums: Mapping[str, Row]) -> None:
    """Log rows, labels and unseen identifiers of each split, and the sizes of vocabularies.

    Args:
        sums: of sum_up.

    Raises:
        InputDataError: a split is empty, or the training rows are of one class.
    """
    for split in SPLITS:
        # Every row has one user.
        rows, positives = sums["user"][f"{split}_rows"], sums["user"][f"{split}_positives"]
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
    if sums["user"]["train_positives"] in (0, sums["user"]["train_rows"]):
        raise InputDataError("all training rows have the same label: see samples.positive_rating")
    for name in ("user", "movie"):
        for split in SPLITS[1:]:
            log.info(
                "build_samples: %d %ss of %s rows have no training row",
                sums[name][f"{split}_unseen"],
                name,
                split,
            )
    for name, row in sorted(sums.items()):
        log.info("build_samples: vocabulary %s holds %d keys", name, row["keys"])


def _check_written(tables: Tables, expected: int) -> None:
    written = tables.read(SAMPLES).count()
    if written != expected:
        raise AssertionError(f"{expected} ratings are in scope, but {written} samples were written")
