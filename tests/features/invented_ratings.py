"""A few hundred ratings with awkward cases, and the tables that hold them."""

import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pyspark.sql import DataFrame, SparkSession

from mmdin import inputs
from mmdin.local_rows import local_rows
from mmdin.schemas import MOVIES, POSTER_FEATURES, RATINGS
from mmdin.tables import Tables

GENRES = ("Drama", "Comedy", "Thriller", "Romance", "Sci-Fi", "War", "Western", "Musical")
START = 1_000_000_000


@dataclass(frozen=True)
class Rating:
    user: int
    movie: int
    stars: float
    second: int

    @property
    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.second, UTC)

    @property
    def key(self) -> tuple[int, int]:
        return self.user, self.movie


@dataclass(frozen=True)
class Movie:
    year: int | None
    genres: tuple[str, ...]


@dataclass(frozen=True)
class World:
    ratings: tuple[Rating, ...]
    movies: dict[int, Movie]
    posters: dict[int, tuple[float, ...]]

    def with_other_stars(self, changed: set[tuple[int, int]]) -> "World":
        """The same with the ratings of some (user, movie) turned from liked to disliked or back."""
        ratings = (replace(r, stars=5.5 - r.stars) if r.key in changed else r for r in self.ratings)
        return replace(self, ratings=tuple(ratings))

    def shuffled(self) -> "World":
        return replace(
            self, ratings=tuple(random.Random(1).sample(self.ratings, len(self.ratings)))
        )

    def write(self, spark: SparkSession, root: str) -> Tables:
        tables = Tables(spark, root)
        tables.write(RATINGS, ratings_table(spark, self.ratings))
        tables.write(MOVIES, movies_table(spark, self.movies))
        tables.write(POSTER_FEATURES, posters_table(spark, self.posters))
        return tables


def ratings_table(spark: SparkSession, ratings: tuple[Rating, ...]) -> DataFrame:
    rows = [(r.user, r.movie, r.stars, r.moment) for r in ratings]
    return local_rows(spark, rows, RATINGS.schema)


def movies_table(spark: SparkSession, movies: dict[int, Movie]) -> DataFrame:
    rows = [(i, f"Movie {i}", m.year, list(m.genres)) for i, m in movies.items()]
    return local_rows(spark, rows, MOVIES.schema)


def posters_table(spark: SparkSession, posters: dict[int, tuple[float, ...]]) -> DataFrame:
    return local_rows(spark, [(i, *p) for i, p in posters.items()], POSTER_FEATURES.schema)


def invent(seed: int = 1, users: int = 14, movies: int = 30) -> World:
    """Users with few seconds between many ratings, and with ids whose text sorts otherwise.

    Movie 1 is unlisted, every fifth has no year, every seventh no poster, some no or seven genres.
    Users and movies that are only rated at the end are cold in a split by time.
    """
    chance = random.Random(seed)
    listed = {
        movie: Movie(
            year=None if movie % 5 == 0 else chance.randint(1930, 2015),
            genres=tuple(chance.sample(GENRES, chance.choice((0, 1, 2, 3, 7)))),
        )
        for movie in range(2, movies + 1)
    }
    posters = {
        movie: tuple(chance.random() for _ in inputs.POSTER_FEATURES)
        for movie in range(1, movies + 1)
        if movie % 7 != 0
    }
    ratings = []
    for user in range(1, users + 1):
        late = user > users - 2
        first = START + (90_000 if late else chance.randint(0, 60_000))
        for movie in chance.sample(range(1, movies + 1), chance.randint(5, movies)):
            cold = movie > movies - 2
            second = START + 100_000 if cold else first + 3600 * chance.randint(0, 6)
            ratings.append(Rating(user * 7, movie, chance.randint(1, 10) / 2, second))
    chance.shuffle(ratings)
    return World(tuple(ratings), listed, posters)
