"""The models' inputs: the one list that building samples and training share.

An input is one int32 column of `samples`. It encodes one readable value: an identifier through a
vocabulary (1..n in order of frequency), or a number through bucket edges (1..n from low to high).
0 is missing, unseen or padding. Inputs that name the same vocabulary share embeddings.

A few readable values are taken as they are: NUMBERS.

To add a feature: compute its value in one file of mmdin/features/ and list it here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

HISTORY_LENGTH = 5
"""Movies of a sample's history: those that the user liked last (arXiv 2110.10205)."""

GENRE_SLOTS = 5
"""Genres of a movie that are used, in MovieLens' order: 98 % of its ratings are of movies with no
more."""

POSTER_FEATURES = (
    *(
        f"{channel}_{statistic}"
        for channel in ("saturation", "brightness", "chroma", "hue", "red", "green", "blue")
        for statistic in ("mean", "stddev")
    ),
    "spatial_frequency",
)
"""Names of the poster features, in the order in which they are computed and stored."""

USER_POSTER_MEANINGS = {
    f"user_{feature}_{statistic}": f"{title} of the {feature.replace('_', ' ')}"
    for feature in POSTER_FEATURES
    for statistic, title in (("mean", "mean"), ("stddev", "standard deviation"))
}
"""A user's mean and standard deviation of each poster feature over the movies rated, in words."""

USER_POSTER_STATISTICS = tuple(USER_POSTER_MEANINGS)
"""Their names, in the order in which they are stored."""

Group = Literal[
    "user",
    "user_statistics",
    "user_poster",
    "movie",
    "genres",
    "movie_statistics",
    "movie_poster",
    "history",
    "history_genres",
    "scene",
    "biases",
    "poster_biases",
]

Side = Literal["user", "movie", "pair"]

SIDES: Mapping[Group, Side] = {
    "user": "user",
    "user_statistics": "user",
    "user_poster": "user",
    "history": "user",
    "history_genres": "user",
    "movie": "movie",
    "genres": "movie",
    "movie_statistics": "movie",
    "movie_poster": "movie",
}
"""Groups of inputs that are known of the user alone, or of the movie alone."""


@dataclass(frozen=True)
class Input:
    """One encoded column of `samples`.

    Attributes:
        column: name in `samples`, ending in _index (identifiers) or _bucket (numbers).
        value: the readable column that it encodes.
        vocabulary: name of the index space; equal names share one embedding table.
        group: which part of a model takes it.
        meaning: one phrase for the table's column comment.
    """

    column: str
    value: str
    vocabulary: str
    group: Group
    meaning: str

    @property
    def is_genre(self) -> bool:
        """Whether it is one of the slots that hold a movie's genres."""
        return self.vocabulary == "genre"

    @property
    def is_bucket(self) -> bool:
        """Whether the value is a number cut into buckets, rather than an identifier looked up."""
        return self.column.endswith("_bucket")


@dataclass(frozen=True)
class Number:
    """A column of `samples` that networks take as a number.

    Attributes:
        column: its name; double, never null, 0 if nothing is known.
        group: which part of a model takes it.
        meaning: one phrase for the table's column comment.
        side: what it is known of: the user alone, the movie alone, or the two together.
    """

    column: str
    group: Group
    meaning: str
    side: Side = "pair"


def _identifier(value: str, vocabulary: str, group: Group, meaning: str) -> Input:
    return Input(f"{value.removesuffix('_id')}_index", value, vocabulary, group, meaning)


def _number(value: str, group: Group, meaning: str) -> Input:
    return Input(f"{value}_bucket", value, value, group, meaning)


def history_movie(position: int) -> str:
    """Column of the movie liked `position`-th last; 1 is the latest."""
    return f"history_movie_{position}"


def genre(slot: int) -> str:
    """Column of a movie's genre number `slot`, from 1."""
    return f"genre_{slot}"


def history_genre(position: int, slot: int) -> str:
    """Column of genre number `slot` of the movie liked `position`-th last."""
    return f"history_{position}_genre_{slot}"


_POSITIONS = range(1, HISTORY_LENGTH + 1)
_SLOTS = range(1, GENRE_SLOTS + 1)

INPUTS: tuple[Input, ...] = (
    _identifier("user_id", "user", "user", "the user"),
    _identifier("movie_id", "movie", "movie", "the candidate movie"),
    *(_identifier(genre(s), "genre", "genres", f"the movie's genre {s}") for s in _SLOTS),
    _number("release_year", "movie_statistics", "the movie's release year"),
    _number("movie_rating_count", "movie_statistics", "ratings of the movie known"),
    _number("movie_rating_mean", "movie_statistics", "mean of the movie's ratings known"),
    _number("movie_rating_stddev", "movie_statistics", "deviation of the movie's ratings known"),
    _number("user_rating_count", "user_statistics", "ratings by the user known"),
    _number("user_rating_mean", "user_statistics", "mean of the user's ratings known"),
    _number("user_release_year_mean", "user_statistics", "mean release year of movies rated"),
    _number("user_release_year_stddev", "user_statistics", "deviation of those release years"),
    *(
        _identifier(history_movie(p), "movie", "history", f"movie liked {p} before")
        for p in _POSITIONS
    ),
    *(
        _identifier(
            history_genre(p, s),
            "genre",
            "history_genres",
            f"genre {s} of the movie liked {p} before",
        )
        for p in _POSITIONS
        for s in _SLOTS
    ),
    _number("hour_of_day", "scene", "hour of the rating, UTC"),
    _number("day_of_week", "scene", "day of the rating, UTC"),
    *(
        _number(f, "movie_poster", f"{f.replace('_', ' ')} of the movie's poster")
        for f in POSTER_FEATURES
    ),
    *(
        _number(s, "user_poster", f"{meaning} over posters of movies rated")
        for s, meaning in USER_POSTER_MEANINGS.items()
    ),
)


def inputs_of(groups: Iterable[Group]) -> tuple[Input, ...]:
    """The inputs of the given groups, in the order of INPUTS."""
    wanted = set(groups)
    return tuple(i for i in INPUTS if i.group in wanted)


NUMBERS: tuple[Number, ...] = (
    Number(
        "movie_bias",
        "biases",
        "shrunken mean of the movie's ratings known, less the mean, stars",
        side="movie",
    ),
    Number(
        "user_bias", "biases", "shrunken mean of the user's residuals known, stars", side="user"
    ),
    Number(
        "genre_bias", "biases", "deviation from user_bias of the last 20 residuals, by like genres"
    ),
    Number(
        "neighbour_bias",
        "biases",
        "deviation from user_bias of the last 50 residuals, by movies' similarity",
    ),
    Number(
        "recent_bias",
        "biases",
        "shrunken deviation from user_bias of the last 10 residuals",
        side="user",
    ),
    Number(
        "poster_bias",
        "poster_biases",
        "deviation from user_bias by how the user's residuals go with features of posters, stars",
    ),
)


def numbers_of(groups: Iterable[Group]) -> tuple[Number, ...]:
    """The numbers of the given groups, in the order of NUMBERS."""
    wanted = set(groups)
    return tuple(n for n in NUMBERS if n.group in wanted)
