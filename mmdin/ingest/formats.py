"""The files of a MovieLens release: their names, their columns, and layouts without a header."""

from collections.abc import Mapping
from dataclasses import dataclass

NO_GENRES = "(no genres listed)"

_GENRES_100K = (
    *(NO_GENRES, "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime"),
    *("Documentary", "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery"),
    *("Romance", "Sci-Fi", "Thriller", "War", "Western"),
)
"""u.item has a column for each, which holds 1 or 0."""


@dataclass(frozen=True)
class InputFile:
    """One of the files that a release consists of.

    Attributes:
        stem: its name without .csv.
        columns: that it must have.
        required: whether there is nothing to ingest without it.
    """

    stem: str
    columns: tuple[str, ...]
    required: bool = True

    @property
    def name(self) -> str:
        """As messages and tables call it, in each format."""
        return f"{self.stem}.csv"


MOVIES = InputFile("movies", ("movieId", "title", "genres"))
LINKS = InputFile("links", ("movieId", "imdbId", "tmdbId"), required=False)
RATINGS = InputFile("ratings", ("userId", "movieId", "rating", "timestamp"))


@dataclass(frozen=True)
class Headerless:
    """How a file without a header is laid out.

    Attributes:
        file: its name.
        delimiter: between fields, which are not quoted.
        columns: names by position.
        genre_flags: genres of the last fields, each of which holds 1 or 0.
    """

    file: str
    delimiter: str
    columns: tuple[str, ...]
    genre_flags: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Number of fields."""
        return len(self.columns) + len(self.genre_flags)


@dataclass(frozen=True)
class Format:
    """A value of input.format.

    Attributes:
        encoding: of files without a byte-order mark, if input.encoding is empty.
        files: layouts by the stem of the file.
    """

    encoding: str
    files: Mapping[str, Headerless]


_COLONS = {
    "ratings": Headerless("ratings.dat", "::", RATINGS.columns),
    "movies": Headerless("movies.dat", "::", MOVIES.columns),
}
_ITEM = ("movieId", "title", "released", "released_on_video", "url")

FORMATS = {
    "movielens": Format("utf-8", {}),
    "ml-10m": Format("utf-8", _COLONS),
    "ml-1m": Format("iso8859-1", _COLONS),
    "ml-100k": Format(
        "iso8859-1",
        {
            "ratings": Headerless("u.data", "\t", RATINGS.columns),
            "movies": Headerless("u.item", "|", _ITEM, _GENRES_100K),
        },
    ),
}
