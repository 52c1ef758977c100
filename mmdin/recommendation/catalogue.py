"""The movies that can be recommended: those in scope that somebody has rated."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from mmdin.config import Recommend
from mmdin.errors import ConfigurationError


@dataclass(frozen=True)
class Catalogue:
    """Movies with what is known of them, on the driver: a hundred thousand are a few MB.

    Attributes:
        movie_ids: int64 [movies], ascending.
        ratings: of each movie.
        popularity: share of users who liked the movie.
        is_allowed: whether the movie may be recommended.
        users: number of users who have rated.
    """

    movie_ids: NDArray[np.int64]
    ratings: NDArray[np.int64]
    popularity: NDArray[np.float64]
    is_allowed: NDArray[np.bool_]
    users: int

    @property
    def most_popular(self) -> NDArray[np.intp]:
        """Places of the movies, the most popular first; of equals, that with the lowest id."""
        return np.argsort(-self.popularity, kind="stable")

    def places(self, movie_ids: NDArray[Any]) -> NDArray[np.intp]:
        """Places of movies that are all in the catalogue."""
        return np.searchsorted(self.movie_ids, movie_ids)

    def numbered(self, spark: SparkSession) -> DataFrame:
        """movie_id, movie (int, its place) and share (double, of users who have rated it)."""
        places = pa.array(np.arange(len(self.movie_ids)), pa.int32())
        shares = pa.array(self.ratings / self.users, pa.float64())
        columns = [pa.array(self.movie_ids, pa.int64()), places, shares]
        return spark.createDataFrame(pa.table(columns, names=["movie_id", "movie", "share"]))


def read_catalogue(known: DataFrame) -> Catalogue:
    """The movies of ratings: user_id, movie_id, label."""
    movies = (
        known.groupBy("movie_id")
        .agg(F.count("*").alias("ratings"), F.sum("label").alias("likes"))
        .toArrow()
        .sort_by("movie_id")
    )
    users = known.select("user_id").distinct().count()
    ids, ratings, likes = (movies[c].to_numpy() for c in ("movie_id", "ratings", "likes"))
    return Catalogue(ids, ratings, likes / users, np.ones(len(ids), bool), users)


def allow(catalogue: Catalogue, movies: DataFrame, wanted: Recommend) -> Catalogue:
    """The catalogue with only those movies allowed that are wanted.

    Args:
        catalogue: of read_catalogue.
        movies: table movies.
        wanted: genres, release_years and min_ratings.

    Raises:
        ConfigurationError: no movie has a genre that is wanted, or none is left.
    """
    if not (wanted.genres or wanted.release_years or wanted.min_ratings):
        return catalogue
    table = movies.select("movie_id", "release_year", "genres").toArrow().to_pylist()
    described = {row["movie_id"]: row for row in table}
    rows = [described.get(int(movie_id)) for movie_id in catalogue.movie_ids]
    _refuse_unknown(wanted.genres, {genre for row in rows if row for genre in row["genres"]})
    is_wanted = np.array([_is_wanted(row, wanted) for row in rows], bool)
    is_allowed = is_wanted & (catalogue.ratings >= wanted.min_ratings)
    if not is_allowed.any():
        raise ConfigurationError(
            f"none of {len(rows):,} movies that have been rated passes recommend.genres, "
            "recommend.release_years and recommend.min_ratings together: allow more"
        )
    return replace(catalogue, is_allowed=is_allowed)


def _refuse_unknown(genres: tuple[str, ...], known: set[str]) -> None:
    if unknown := [genre for genre in genres if genre not in known]:
        raise ConfigurationError(
            f"recommend.genres: no movie that has been rated is of genre {unknown[0]!r}; there are "
            f"{', '.join(sorted(known))}"
        )


def _is_wanted(movie: dict[str, Any] | None, wanted: Recommend) -> bool:
    """Whether a row of table movies, if the movie has one, passes the filters by its content."""
    if movie is None:
        return not (wanted.genres or wanted.release_years)
    if wanted.genres and not set(wanted.genres) & set(movie["genres"]):
        return False
    if not wanted.release_years:
        return True
    first, last = wanted.release_years
    year = movie["release_year"]
    return year is not None and first <= year <= last
