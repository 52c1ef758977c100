"""What is known of a movie without its ratings: year, genres, poster."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from mmdin import inputs
from mmdin.hashing import hashed_order
from mmdin.schemas import MOVIES, POSTER_FEATURES
from mmdin.tables import Tables


def read_movies(tables: Tables, shuffled: bool, seed: int) -> DataFrame:
    """Tables movies and poster_features as described by describe_movies.

    Args:
        tables: to read.
        shuffled: samples.shuffle_posters.
        seed: of the configuration.
    """
    posters = tables.read(POSTER_FEATURES)
    if shuffled:
        posters = shuffle_posters(posters, seed)
    return describe_movies(tables.read(MOVIES), posters)


def describe_movies(movies: DataFrame, poster_features: DataFrame) -> DataFrame:
    """One row per movie that is listed or has a poster.

    Reads tables movies and poster_features. Gives movie_id (long), release_year (int), genres
    (string, joined by |), genre_1.. (string, the first genres in MovieLens' order; null if
    there are fewer), the poster features (double; null without a poster) and has_poster (boolean).
    """
    described = movies.join(
        poster_features.withColumn("has_poster", F.lit(True)), "movie_id", how="full"
    )
    # get() gives null past the end of an array; [] would raise.
    slots = range(1, inputs.GENRE_SLOTS + 1)
    return described.select(
        "movie_id",
        "release_year",
        F.array_join("genres", "|").alias("genres"),
        *(F.get("genres", F.lit(slot - 1)).alias(inputs.genre(slot)) for slot in slots),
        *inputs.POSTER_FEATURES,
        F.coalesce("has_poster", F.lit(False)).alias("has_poster"),
    )


def shuffle_posters(poster_features: DataFrame, seed: int) -> DataFrame:
    """Every movie with the poster features of another: the next in a seeded order, in a ring.

    What posters tell about movies is lost; how their features are distributed is not. The table is
    small enough for one task.
    """
    ring = Window.orderBy(hashed_order(seed, "poster", ("movie_id",)), "movie_id")
    poster = F.struct(*inputs.POSTER_FEATURES)
    whole_ring = ring.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    following = F.coalesce(F.lead(poster).over(ring), F.first(poster).over(whole_ring))
    return poster_features.select("movie_id", following.alias("poster")).select(
        "movie_id", "poster.*"
    )


def join_movies(rows: DataFrame, movies: DataFrame) -> DataFrame:
    """Every row with its movie's columns; null if the movie is not listed.

    Movies are few enough (a hundred thousand take 20 MB) to be sent whole to every executor.
    """
    return rows.join(F.broadcast(movies), "movie_id", how="left")
