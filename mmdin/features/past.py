"""What a row knows: values from ratings of strictly earlier seconds, and what follows from them.

Samples and states are made by these functions, so that a state equals what a row of its moment
knows, digit for digit: see mmdin.features.states.
"""

from pyspark.sql import DataFrame

from mmdin import inputs
from mmdin.features.biases import Baseline, movie_bias, residual, user_bias
from mmdin.features.history import HISTORY, LIKED, add_latest
from mmdin.features.movies import join_movies
from mmdin.features.order import sort_by_time
from mmdin.features.scene import add_scene
from mmdin.features.statistics import movie_statistics, of_earlier_rows, user_statistics
from mmdin.features.tastes import RECENT, genre_bias, genre_bits, recent_bias

LATEST = (HISTORY, RECENT)
"""A user's latest ratings, as lists."""


def describe_rated(movies: DataFrame) -> DataFrame:
    """What a user's past reads of the movies rated: movie_id and what is known of them.

    Args:
        movies: of describe_movies, with their indices.
    """
    described = movies.select(*LIKED, "release_year", *inputs.POSTER_FEATURES)
    return described.withColumn("genre_bits", genre_bits())


def add_movies_past(rows: DataFrame, baseline: Baseline) -> DataFrame:
    """Add the statistics of the movie's earlier ratings, and movie_bias.

    Reads user_id, movie_id, seconds and rating. A row without a rating counts in no other.
    """
    in_order = sort_by_time(rows, "movie_id")
    added = of_earlier_rows(in_order, "movie_id", movie_statistics())
    return added.withColumn("movie_bias", movie_bias(baseline))


def add_users_past(rows: DataFrame, movies: DataFrame, baseline: Baseline) -> DataFrame:
    """Add the lists of LATEST, and the statistics of the user's earlier ratings.

    Args:
        rows: of add_movies_past, with label and in_history.
        movies: of describe_rated.
        baseline: of fit_baseline.
    """
    return of_earlier_rows(add_latest_ratings(rows, movies, baseline), "user_id", user_statistics())


def add_latest_ratings(rows: DataFrame, movies: DataFrame, baseline: Baseline) -> DataFrame:
    """Add the movies' columns, residual, and the lists of LATEST, to rows with movie_bias."""
    described = join_movies(rows, movies)
    return add_latest(described.withColumn("residual", residual(baseline)), LATEST)


def add_user_values(rows: DataFrame, baseline: Baseline) -> DataFrame:
    """Add what follows from the user's past alone: user_bias and recent_bias."""
    biased = rows.withColumn("user_bias", user_bias(baseline))
    return biased.withColumn("recent_bias", recent_bias())


def add_pair_values(rows: DataFrame) -> DataFrame:
    """Add what follows from the user's past and the movie, or from the moment (seconds).

    Reads the values of add_user_values, and the movie's genre_bits.
    """
    return add_scene(rows.withColumn("genre_bias", genre_bias()))
