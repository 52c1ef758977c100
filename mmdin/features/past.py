"""What a row knows: values from ratings of strictly earlier seconds, and what follows from them.

Samples and states are made by these functions, so that a state equals what a row of its moment
knows, digit for digit: see mmdin.features.states.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from mmdin import inputs
from mmdin.connect import send
from mmdin.features.biases import Baseline, movie_bias, residual, user_bias
from mmdin.features.history import HISTORY, LIKED, RATED, add_latest
from mmdin.features.movies import join_movies
from mmdin.features.neighbours import Similarities, neighbour_bias
from mmdin.features.order import sort_by_time
from mmdin.features.poster_tastes import POSTER_TASTE, poster_bias, poster_taste
from mmdin.features.scene import add_scene
from mmdin.features.statistics import movie_statistics, of_earlier_rows, user_statistics
from mmdin.features.tastes import genre_bias, genre_bits, recent_bias

LATEST = (HISTORY, RATED)
"""A user's latest ratings, as lists."""


def describe_rated(movies: DataFrame) -> DataFrame:
    """What a user's past reads of the movies rated: movie_id and what is known of them.

    Args:
        movies: of describe_movies, with their indices.
    """
    described = movies.select(*LIKED, "release_year", *inputs.POSTER_FEATURES)
    return described.withColumn("genre_bits", genre_bits())


def add_movies_past(rows: DataFrame, baseline: Baseline) -> DataFrame:
    """Add the statistics of the movie's earlier ratings, movie_bias and residual.

    Reads user_id, movie_id, seconds and rating. A row without a rating counts in no other.
    """
    in_order = sort_by_time(rows, "movie_id")
    added = of_earlier_rows(in_order, "movie_id", movie_statistics())
    return add_residuals(added, baseline)


def add_residuals(rows: DataFrame, baseline: Baseline) -> DataFrame:
    """Add movie_bias and residual to rows with the statistics of their movies."""
    biased = rows.withColumn("movie_bias", movie_bias(baseline))
    return biased.withColumn("residual", residual(baseline))


def add_users_past(rows: DataFrame, movies: DataFrame) -> DataFrame:
    """Add the lists of LATEST, and the statistics of the user's earlier ratings.

    Args:
        rows: of add_movies_past, partitioned by the user, with label, in_history and deviation.
        movies: of describe_rated.
    """
    return of_earlier_rows(add_latest_ratings(rows, movies), "user_id", user_statistics())


def add_latest_ratings(rows: DataFrame, movies: DataFrame) -> DataFrame:
    """Add the movies' columns and the lists of LATEST to rows of add_users_past."""
    return add_latest(join_movies(rows, movies), LATEST)


def add_user_values(rows: DataFrame, baseline: Baseline) -> DataFrame:
    """Add what follows from the user's past alone: user_bias, recent_bias and poster_taste."""
    biased = rows.withColumn("user_bias", user_bias(baseline))
    return biased.withColumns({"recent_bias": recent_bias(), POSTER_TASTE: poster_taste()})


def add_pair_values(rows: DataFrame, similarities: Similarities) -> DataFrame:
    """Add what follows from the user's past and the movie, or from the moment (seconds).

    Args:
        rows: with the values of add_user_values, deviation, and the movie's movie_index,
            genre_bits and poster features.
        similarities: of fit_similarities.
    """
    sent = send(rows.sparkSession, similarities)
    biases = {
        "genre_bias": genre_bias(),
        "neighbour_bias": neighbour_bias(sent),
        "poster_bias": F.expr(poster_bias({c: c for c in (POSTER_TASTE, *inputs.POSTER_FEATURES)})),
    }
    return add_scene(rows.withColumns(biases))
