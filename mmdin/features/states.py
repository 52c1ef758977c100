"""States: what a sample of a user, or of a movie, at some moment would know.

A state is made by the code that makes samples under protocol point_in_time: for each user and
moment, and for each movie and moment, a row without a rating is put among the ratings, and what it
gets to know is kept. So the values of a user and a movie as of a sample's second are the sample's,
to the last digit, which a test holds. Sums by another query would add in another order.
"""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from mmdin.config import Samples
from mmdin.errors import InputDataError
from mmdin.features.buckets import BUCKETED, Edges, add_buckets, bucketed
from mmdin.features.fitted import Fitted
from mmdin.features.history import HISTORY, spread_history
from mmdin.features.movies import join_movies, read_movies
from mmdin.features.order import computed
from mmdin.features.past import (
    LATEST,
    add_movies_past,
    add_pair_values,
    add_user_values,
    add_users_past,
    describe_rated,
)
from mmdin.features.scope import keep_in_scope, label_ratings
from mmdin.features.statistics import movie_statistics, user_statistics
from mmdin.features.tastes import genre_bits
from mmdin.features.vocabularies import identifiers, look_up
from mmdin.inputs import INPUTS, NUMBERS
from mmdin.tables import Tables

_USER, _MOVIE = ("user_id", "seconds"), ("movie_id", "seconds")


@dataclass(frozen=True)
class Knowledge:
    """All that states are made from.

    Attributes:
        ratings: those in scope: user_id, movie_id, rating, label, seconds, in_history, deviation.
        movies: of describe_movies, with their indices and genre_bits.
        fitted: on training rows.
    """

    ratings: DataFrame
    movies: DataFrame
    fitted: Fitted

    def newest(self) -> int:
        """The second of the newest rating.

        Raises:
            InputDataError: if no rating is in scope.
        """
        newest = self.ratings.agg(F.max("seconds")).collect()[0][0]
        if newest is None:
            raise InputDataError("no rating is in scope: see samples.max_movie_id")
        return int(newest)


@dataclass(frozen=True)
class States:
    """What is known of users and of movies, each at one moment or at several.

    Attributes:
        users: by user_id and seconds, the values of users, encoded too.
        movies: by movie_id and seconds, the values of movies, encoded too.
        compared: the ratings that they are made from, of mmdin.features.past.add_movies_past.
        fitted: on training rows, for what depends on both.
    """

    users: DataFrame
    movies: DataFrame
    compared: DataFrame
    fitted: Fitted


def gather_knowledge(
    tables: Tables, ratings: DataFrame, samples: Samples, seed: int, fitted: Fitted
) -> Knowledge:
    """Label and select the ratings, and describe the movies, as for samples.

    Args:
        tables: that hold movies and poster_features.
        ratings: rows of table ratings.
        samples: section of the configuration that the samples were built with.
        seed: of that configuration.
        fitted: on the training rows of the samples.
    """
    movies = read_movies(tables, samples.shuffle_posters, seed)
    indexed = look_up(movies, fitted.vocabularies, identifiers(movies.columns))
    described = computed(indexed.withColumn("genre_bits", genre_bits()))
    rated = keep_in_scope(label_ratings(ratings, described, samples, seed))
    return Knowledge(as_known(rated), described, fitted)


def as_known(rated: DataFrame) -> DataFrame:
    """Ratings with the columns that say that they count in histories, and in no similarity."""
    return _untrained(rated.withColumn("in_history", F.lit(True)))


def _untrained(rows: DataFrame) -> DataFrame:
    """The rows as of ratings that similarities were not fitted on."""
    return rows.withColumn("deviation", F.lit(None).cast("double"))


def states_as_of(knowledge: Knowledge, moments: Sequence[int]) -> States:
    """States at moments: of every user with an earlier rating, and of every movie.

    Movies are those that are listed, have a poster, or were rated before the moment.

    Args:
        knowledge: of gather_knowledge.
        moments: seconds since 1970, UTC.
    """
    seconds = F.explode(F.array(*(F.lit(m).cast("long") for m in moments)))
    ids = knowledge.ratings.select("user_id", "movie_id", "seconds", seconds.alias("moment"))
    earlier = ids.where("seconds < moment").withColumn("seconds", F.col("moment"))
    listed = knowledge.movies.select("movie_id", seconds.alias("seconds"))
    ratings = knowledge.ratings.where(F.col("seconds") < max(moments))
    known = Knowledge(ratings, knowledge.movies, knowledge.fitted)
    return states_at(known, earlier.select(*_USER), listed.union(earlier.select(*_MOVIE)))


def states_at(knowledge: Knowledge, users: DataFrame, movies: DataFrame) -> States:
    """States at any moments.

    Args:
        knowledge: of gather_knowledge.
        users: user_id and seconds (long), whose states are wanted; repetitions do no harm.
        movies: movie_id and seconds, the same.
    """
    by_movie = pass_movies(knowledge.ratings, movies, knowledge.fitted)
    return collect_states(knowledge, by_movie, by_movie.where("rating IS NOT NULL"), users)


def pass_movies(ratings: DataFrame, movies: DataFrame, fitted: Fitted) -> DataFrame:
    """What is known of movies at each of their ratings, and at moments; computed once.

    Args:
        ratings: all of these movies, as those of Knowledge.
        movies: movie_id and seconds: the moments, each a row without a rating in the result.
        fitted: on training rows.
    """
    return computed(add_movies_past(_mark(ratings, movies.select(*_MOVIE)), fitted.baseline))


def collect_states(
    knowledge: Knowledge, by_movie: DataFrame, compared: DataFrame, users: DataFrame
) -> States:
    """States of movies, from their pass, and of users, from the ratings that it has compared.

    Args:
        knowledge: whose movies and fitted count.
        by_movie: of pass_movies.
        compared: all ratings of the users that states are wanted of, with residual.
        users: user_id and seconds, whose states are wanted.
    """
    fitted = knowledge.fitted
    by_user = add_users_past(
        _mark(compared, users.select(*_USER)).repartition("user_id"),
        describe_rated(knowledge.movies),
    )
    of_movies = by_movie.where("rating IS NULL").select(*_MOVIE, *movie_statistics(), "movie_bias")
    lists = (latest.column for latest in LATEST)
    of_users = by_user.where("rating IS NULL").select(*_USER, *user_statistics(), *lists)
    return States(
        computed(_encode_users(add_user_values(of_users, fitted.baseline), fitted)),
        computed(_encode_movies(join_movies(of_movies, knowledge.movies), fitted.edges)),
        compared,
        fitted,
    )


def _mark(rated: DataFrame, moments: DataFrame) -> DataFrame:
    """The ratings, and a row without a rating for each key and moment."""
    markers = moments.distinct().withColumn("in_history", F.lit(False))
    return rated.unionByName(markers, allowMissingColumns=True)


def _encode_users(users: DataFrame, fitted: Fitted) -> DataFrame:
    spread = users.withColumns(spread_history()).drop(HISTORY.column)
    indexed = look_up(spread, fitted.vocabularies, identifiers({"user_id"}))
    return add_buckets(indexed, fitted.edges, bucketed(indexed.columns))


def _encode_movies(movies: DataFrame, edges: Edges) -> DataFrame:
    return _fill(add_buckets(movies, edges, bucketed(movies.columns)), edges)


def join_states(pairs: DataFrame, states: States) -> DataFrame:
    """Add the values of samples, readable and encoded, to users and movies at moments.

    A user or a movie without a state is one that has never been rated, or has never rated.

    Args:
        pairs: with user_id, movie_id and seconds.
        states: at these moments.
    """
    joined = pairs.join(states.users, list(_USER), "left").join(states.movies, list(_MOVIE), "left")
    fitted = states.fitted
    filled = _untrained(_fill(joined, fitted.edges))
    valued = add_pair_values(filled, fitted.similarities)
    others = [i for i in bucketed(valued.columns) if i.column not in joined.columns]
    return add_buckets(valued, fitted.edges, others)


def _fill(rows: DataFrame, edges: Edges) -> DataFrame:
    """Put what a user or a movie without any rating has in place of null."""
    return rows.fillna({**values_of_none(rows.columns, edges)})


def values_of_none(columns: Sequence[str], edges: Edges) -> dict[str, int]:
    """What a user or a movie without any rating has in those of the columns that are not null."""
    counts = [i for i in BUCKETED if i.value.endswith("_count")]
    unknown = {i.column: 0 for i in INPUTS}
    unknown |= {i.value: 0 for i in counts}
    unknown |= {i.column: 1 + bisect.bisect_right(edges[i.value], 0) for i in counts}
    unknown |= dict.fromkeys(("genre_bits", *(n.column for n in NUMBERS)), 0)
    return {name: value for name, value in unknown.items() if name in columns}
