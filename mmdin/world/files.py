"""The world on disk, in MovieLens' file format.

Everything is written to a new folder and then moved into place.
"""

import csv
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import yaml

from mmdin.config import Config
from mmdin.errors import ConfigurationError, InputDataError
from mmdin.storage import is_local, local_path
from mmdin.world.catalogue import Catalogue

RATINGS_HEADER = "userId,movieId,rating,timestamp"
MARKER = "world.yaml"
"""File that marks a generated folder: with which configuration, and where its posters are."""

_DAY = 86_400
_YEAR_2999 = 32_480_000_000


def check_places(config: Config) -> tuple[Path, Path]:
    """The folders for the files and for the posters, as absolute paths.

    Raises:
        ConfigurationError: if a folder is not given, is not local, or contains the other.
        InputDataError: if a folder holds files that were not generated, which would be lost.
    """
    movielens = _local_folder(config.input.movielens, "input.movielens")
    posters = _local_folder(config.input.posters, "input.posters")
    if movielens == posters or posters in movielens.parents:
        raise ConfigurationError(
            f"input.movielens ({movielens}) must not be input.posters, or in it: it is replaced"
        )
    marker = _read_marker(movielens)
    if marker is None and (movielens / "ratings.csv").exists():
        raise InputDataError(
            f"{movielens} holds ratings that make_demo_data did not write; "
            "set input.movielens to another folder"
        )
    if (
        (marker or {}).get("posters") != str(posters)
        and posters.is_dir()
        and any(posters.iterdir())
    ):
        raise InputDataError(
            f"{posters} holds files that make_demo_data did not write; "
            "set input.posters to another folder"
        )
    return movielens, posters


def _local_folder(path: str, key: str) -> Path:
    if not path:
        raise ConfigurationError(f"{key} is not set: name the folder to write to")
    if not is_local(path):
        raise ConfigurationError(f"{key}: {path} is not a local or mounted folder")
    return local_path(path).resolve()


def _read_marker(folder: Path) -> dict[str, object] | None:
    path = folder / MARKER
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else None


def write_movies(path: Path, catalogue: Catalogue) -> None:
    """Write movies.csv: movieId, title with the year in brackets, genres joined by |."""
    rows = ((i + 1, title, catalogue.genres(i)) for i, title in enumerate(catalogue.titles))
    _write_csv(path, ("movieId", "title", "genres"), rows)


def write_links(path: Path, catalogue: Catalogue) -> None:
    """Write links.csv: movieId, imdbId of seven digits, tmdbId, empty for a few movies."""
    ids = range(1, catalogue.size + 1)
    rows = ((i, f"{100_000 + 7 * i:07d}", "" if i % 200 == 0 else 500 + 3 * i) for i in ids)
    _write_csv(path, ("movieId", "imdbId", "tmdbId"), rows)


def _write_csv(path: Path, header: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def join_ratings(parts: Path, path: Path, bad_rows: Callable[[str], Iterable[str]] | None) -> None:
    """Write ratings.csv from Spark's part files, in their order, and delete these.

    Args:
        parts: folder of the part files.
        path: of ratings.csv.
        bad_rows: gives the lines to append, from the first valid line; None appends none.
    """
    with path.open("wb") as file:
        file.write(f"{RATINGS_HEADER}\n".encode())
        for part in sorted(parts.glob("part-*.csv")):
            with part.open("rb") as source:
                shutil.copyfileobj(source, file, length=1 << 20)
    shutil.rmtree(parts)
    if bad_rows:
        with path.open(encoding="utf-8") as file:
            first_row = file.readlines(len(RATINGS_HEADER) + 2)[1]
        with path.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in bad_rows(first_row))


def bad_rating_rows(users: int, movies: int, good_row: str) -> list[str]:
    """Lines of ratings.csv that ingestion must reject.

    They have invalid numbers, stars and times, a missing field, a movie that is not listed, and an
    older rating of the movie in good_row. All but the last are by a user who does not exist, so
    they affect no true rating.

    Args:
        users: number of users.
        movies: number of movies.
        good_row: a valid line of ratings.csv.
    """
    user, movie, rating, seconds = good_row.strip().split(",")
    older = f"{user},{movie},{1.0 if float(rating) > 2.5 else 4.5},{int(seconds) - _DAY}"
    unknown_user = users + 1
    return [
        f"{unknown_user},1,four,1000000000",
        f"{unknown_user},2,7.0,1000000000",
        f"{unknown_user},{movies + 1},4.0,1000000000",
        f"{unknown_user},3,4.0,-1000000000",
        f"{unknown_user},4,3.0,{_YEAR_2999}",
        f"{unknown_user},5",
        older,
    ]


def poster_faults(catalogue: Catalogue) -> dict[int, str]:
    """The faults of invalid posters, by movie_id; they are those of rather unpopular movies.

    missing: no file. misnamed: saved as cover.jpg. truncated: half a JPEG. empty: no bytes.
    text: not an image.
    """
    faults = ("missing", "missing", "missing", "misnamed", "truncated", "empty", "text")
    unpopular = catalogue.log_popularity.argsort(kind="stable")[catalogue.size // 5 :]
    return {int(row) + 1: fault for row, fault in zip(unpopular, faults, strict=False)}


def save_poster(folder: Path, movie_id: int, image: bytes, fault: str | None) -> None:
    """Write <movie_id>.jpg, with the fault if there is one."""
    if fault == "missing":
        return
    name = "cover.jpg" if fault == "misnamed" else f"{movie_id}.jpg"
    faulty = {"truncated": image[: len(image) // 2], "empty": b"", "text": b"No poster today.\n"}
    (folder / name).write_bytes(faulty.get(fault or "", image))


def new_folder(path: Path) -> Path:
    """An empty folder next to the path, for its new content."""
    folder = path.with_name(f".{path.name}.new")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def replace_files(folder: Path, new: Path, marker: Mapping[str, object]) -> None:
    """Move the files of a new folder into a folder, the marker first, and delete the new folder.

    Files of the same names are replaced; others stay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (new / MARKER).write_text(yaml.safe_dump(dict(marker), sort_keys=False), encoding="utf-8")
    for file in sorted(new.iterdir(), key=lambda file: file.name != MARKER):
        file.replace(folder / file.name)
    new.rmdir()


def replace_folder(folder: Path, new: Path) -> None:
    """Move a new folder to the path of a folder, which is deleted."""
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
