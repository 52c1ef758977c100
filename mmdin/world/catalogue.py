"""The world's movies: titles, years, genres, popularity, quality and looks of the posters."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mmdin.world.seeds import CATALOGUE, stream

GENRE_WEIGHTS = {
    "Action": 0.13,
    "Adventure": 0.08,
    "Animation": 0.04,
    "Children": 0.04,
    "Comedy": 0.30,
    "Crime": 0.11,
    "Documentary": 0.08,
    "Drama": 0.40,
    "Fantasy": 0.05,
    "Film-Noir": 0.02,
    "Horror": 0.10,
    "Musical": 0.04,
    "Mystery": 0.06,
    "Romance": 0.15,
    "Sci-Fi": 0.08,
    "Thriller": 0.15,
    "War": 0.04,
    "Western": 0.03,
}
"""Relative frequency of each genre of MovieLens, in MovieLens' order."""

GENRES = tuple(GENRE_WEIGHTS)
NO_GENRES = "(no genres listed)"

LOOKS = ("saturation", "brightness", "sharpness")
"""Properties of posters that users have tastes for."""

LAST_RELEASE_YEAR = 2015

_GENRES_PER_MOVIE = (0.02, 0.34, 0.33, 0.20, 0.08, 0.03)
_ONE_BITS = np.array([bin(n).count("1") for n in range(1 << len(GENRES))], dtype=np.int8)


@dataclass(frozen=True)
class Catalogue:
    """M movies; row i is movie_id i + 1.

    Attributes:
        titles: with the year in brackets.
        release_year: (M,).
        has_genre: (M, 18).
        log_popularity: (M,), log of how often a movie is chosen, up to a constant.
        quality: (M,), standard normal.
        looks: (M, 3), standard normal.
    """

    titles: tuple[str, ...]
    release_year: NDArray[np.int32]
    has_genre: NDArray[np.bool_]
    log_popularity: NDArray[np.float64]
    quality: NDArray[np.float64]
    looks: NDArray[np.float64]

    @property
    def size(self) -> int:
        """Number of movies."""
        return len(self.titles)

    @cached_property
    def released_at(self) -> NDArray[np.int64]:
        """(M,) first of January of the release year, in seconds since 1970."""
        years = (self.release_year - 1970).astype("datetime64[Y]")
        return years.astype("datetime64[s]").astype(np.int64)

    @cached_property
    def genre_shares(self) -> NDArray[np.float64]:
        """(M, 18): 1 / number of the movie's genres for each of them, otherwise 0."""
        shares: NDArray[np.float64] = self.has_genre / np.maximum(
            self.has_genre.sum(axis=1, keepdims=True), 1
        )
        return shares

    @cached_property
    def genre_bits(self) -> NDArray[np.int64]:
        """(M + 1,): a movie's genres as bits; the last row represents no movie."""
        bits = self.has_genre @ (1 << np.arange(len(GENRES)))
        return np.append(bits, 0)

    @cached_property
    def expected_likeness(self) -> NDArray[np.float64]:
        """(M,): mean likeness of a movie to movies drawn in proportion to their popularity."""
        popularity = np.exp(self.log_popularity)
        kinds, kind = np.unique(self.genre_bits[:-1], return_inverse=True)
        weights = np.bincount(kind, popularity) / popularity.sum()
        expected = (likeness(kinds[:, None], kinds[None, :]) * weights).sum(axis=1)
        likeness_of_movies: NDArray[np.float64] = expected[kind]
        return likeness_of_movies

    def genres(self, row: int) -> str:
        """The genres of a row as movies.csv spells them."""
        listed = (g for g, has in zip(GENRES, self.has_genre[row], strict=True) if has)
        return "|".join(listed) or NO_GENRES


def likeness(bits: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.float64]:
    """Fourth power of the cosine between sets of genres given as bits; 0 if either is empty.

    With such a high power only movies of nearly the same genres are alike: a network has to compare
    two movies, because the average over several liked movies hides which of them are alike. It is
    computed from counts, so arrays of different shapes give the same numbers.
    """
    shared = _ONE_BITS[bits & others].astype(np.float64)
    sizes = _ONE_BITS[bits].astype(np.float64) * _ONE_BITS[others]
    squared_cosine: NDArray[np.float64] = shared * shared / np.maximum(sizes, 1.0)
    return squared_cosine * squared_cosine


def draw_catalogue(movies: int, seed: int) -> Catalogue:
    """Draw this many movies. The same seed and number give the same movies."""
    rng = stream(seed, CATALOGUE)
    years = LAST_RELEASE_YEAR - np.minimum(rng.gamma(2.0, 9.0, movies), 95).astype(np.int32)
    quality = rng.standard_normal(movies)
    return Catalogue(
        titles=_draw_titles(years, rng),
        release_year=years,
        has_genre=_draw_genres(movies, rng),
        # Good movies are watched more often, but the correlation is weak.
        log_popularity=1.2 * rng.standard_normal(movies) + 0.4 * quality,
        quality=quality,
        looks=np.clip(rng.standard_normal((movies, len(LOOKS))), -2.5, 2.5),
    )


def _draw_genres(movies: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    count = rng.choice(len(_GENRES_PER_MOVIE), movies, p=_GENRES_PER_MOVIE)
    # The smallest of exponentials divided by weights: drawing without replacement.
    keys = rng.standard_exponential((movies, len(GENRES))) / np.array(list(GENRE_WEIGHTS.values()))
    has_genre: NDArray[np.bool_] = keys.argsort(axis=1).argsort(axis=1) < count[:, None]
    return has_genre


_ADJECTIVES = (
    "Silent Broken Golden Last Hidden Crimson Distant Burning Frozen Lonely Savage Gentle Midnight "
    "Electric Paper Hollow Endless Secret Perfect Wild Quiet Scarlet Forgotten Restless Invisible"
)
_NOUNS = (
    "Harbor Garden River Winter Stranger Empire Kingdom Summer Mirror Bridge Orchard Lantern "
    "Horizon Island Witness Promise Machine Shadow Valley Letter Station Carnival Tower "
    "Voyage Orchestra"
)


def _draw_titles(years: NDArray[np.int32], rng: np.random.Generator) -> tuple[str, ...]:
    adjectives = rng.choice(_ADJECTIVES.split(), len(years))
    nouns, others = rng.choice(_NOUNS.split(), (2, len(years)))
    forms = rng.integers(0, 5, len(years))
    patterns = ("{a} {n}", "{a} {n}, The", "{n} of the {a} {o}", "{n} and {o}", "{a} {n}, A")
    drawn = zip(forms, adjectives, nouns, others, years, strict=True)
    return tuple(f"{patterns[f].format(a=a, n=n, o=o)} ({y})" for f, a, n, o, y in drawn)
