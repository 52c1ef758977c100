"""From MovieLens' files to the tables ratings, movies, links, rejected_rows and input_counts."""

import datetime
import functools
import logging
from collections.abc import Mapping
from contextlib import ExitStack

from pyspark.sql import DataFrame, SparkSession

from mmdin import schemas
from mmdin.config import Input
from mmdin.ingest.delimited import read_rows
from mmdin.ingest.encodings import describe_undecodable
from mmdin.ingest.faults import translated_errors
from mmdin.ingest.formats import LINKS, MOVIES, RATINGS, InputFile
from mmdin.ingest.links import judge_links
from mmdin.ingest.movies import (
    FIRST_YEAR,
    YEARS_AHEAD,
    choose_spellings,
    finish_movies,
    judge_movies,
)
from mmdin.ingest.ratings import judge_ratings
from mmdin.ingest.refusal import log_tally, refuse_unusable, warn_of_low_ratings
from mmdin.ingest.rejection import kept, rejected
from mmdin.ingest.sources import Source, find_source, require_folder
from mmdin.ingest.tallies import ReadCounter, Tally, tally
from mmdin.local_rows import local_rows
from mmdin.storage import files_at
from mmdin.tables import Tables

log = logging.getLogger(__name__)

_NO_YEAR = "the title has no year"
_IMPOSSIBLE_YEAR = "the release year is before {} or after {}"
_ABSENT = "there is no such file"

Judged = dict[InputFile, DataFrame]


def write_movielens(tables: Tables, given: Input) -> None:
    """Write the tables movies, links, ratings, rejected_rows and input_counts.

    Logs how many rows of each file were read, kept, and rejected for each reason. Nothing is
    written before all files have been read and checked.

    Args:
        tables: to write to.
        given: where the files are, and how they are written.

    Raises:
        InputDataError: if the folder is not given, a file or a column is missing, a file cannot be
            read, or too few of its rows can be used.
    """
    sources = find_sources(tables.spark, given)
    with ExitStack() as cached:
        counters = {s.file: ReadCounter(read_rows(tables.spark, s)) for s in sources if s.layouts}
        judged = judge({file: counter.rows for file, counter in counters.items()}, given)
        for rows in judged.values():
            cached.callback(rows.unpersist)
        files = files_at(tables.spark, given.movielens)
        undecodable = functools.partial(describe_undecodable, files, [s.layouts for s in sources])
        with translated_errors(given.movielens, undecodable):
            tallies = tally(judged)
        for file, counter in counters.items():
            log_tally(file, tallies[file])
            counter.check(file.name, tallies[file].judged)
        for file, rows in judged.items():
            refuse_unusable(file, tallies[file], rows, given, undecodable)
        warn_of_low_ratings(tallies[RATINGS], given.rating_scale)
        _write(tables, judged, tallies)


def find_sources(spark: SparkSession, given: Input) -> list[Source]:
    """The files of movies, links and ratings, in the order in which they are checked.

    Raises:
        InputDataError: if a file is missing, or cannot be read with these settings.
    """
    require_folder(given)
    files = files_at(spark, given.movielens)
    return [find_source(files, given, file) for file in (MOVIES, LINKS, RATINGS)]


def judge(rows: Judged, given: Input) -> Judged:
    """Each file's rows with their reasons. They are cached: unpersist them after use."""
    # Cached, so that a file is parsed once for its counts and its two tables.
    judged = {MOVIES: judge_movies(rows[MOVIES]).persist()}
    if LINKS in rows:
        judged[LINKS] = judge_links(rows[LINKS]).persist()
    movies = kept(judged[MOVIES], "movie_id")
    judged[RATINGS] = judge_ratings(rows[RATINGS], movies, given.rating_scale).persist()
    return judged


def _write(tables: Tables, judged: Judged, tallies: Mapping[InputFile, Tally]) -> None:
    movies = tallies[MOVIES]
    latest_year = _year_of(tallies[RATINGS].kept_seconds.highest) + YEARS_AHEAD
    notes = _notes(movies, latest_year)
    for note, count in notes.items():
        log.info("%s:   %d x %s (kept)", MOVIES.name, count, note)
    counts = [row for file, t in tallies.items() for row in _count_rows(file, t)]
    counts += [(MOVIES.name, "noted", note, count) for note, count in notes.items()]
    if LINKS not in judged:
        log.info("%s: %s, so table links is empty", LINKS.name, _ABSENT)
        counts.append((LINKS.name, "noted", _ABSENT, 0))
    listed = kept(judged[MOVIES], "movie_id", "listed_title", "release_year", "genres")
    finished = finish_movies(listed, latest_year, choose_spellings(movies.genres))
    rejected_rows = [rejected(rows, file.name) for file, rows in judged.items()]
    counted = local_rows(tables.spark, counts, schemas.INPUT_COUNTS.schema)
    tables.write_all(
        {
            schemas.RATINGS: kept(judged[RATINGS], *schemas.RATINGS.columns),
            schemas.MOVIES: finished,
            schemas.LINKS: _links(tables.spark, judged),
            schemas.REJECTED_ROWS: functools.reduce(DataFrame.unionByName, rejected_rows),
            schemas.INPUT_COUNTS: counted.coalesce(1),
        }
    )


def _links(spark: SparkSession, judged: Judged) -> DataFrame:
    if LINKS in judged:
        return kept(judged[LINKS], *schemas.LINKS.columns)
    return local_rows(spark, [], schemas.LINKS.schema)


def _year_of(seconds: float) -> int:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).year


def _notes(movies: Tally, latest_year: int) -> dict[str, int]:
    """What is missing from kept movies, and from how many."""
    impossible = sum(
        count
        for year, count in movies.years.items()
        if year is not None and not FIRST_YEAR <= year <= latest_year
    )
    notes = {
        _NO_YEAR: movies.years[None],
        _IMPOSSIBLE_YEAR.format(FIRST_YEAR, latest_year): impossible,
    }
    return {note: count for note, count in notes.items() if count}


def _count_rows(file: InputFile, tally: Tally) -> list[tuple[str, str, str | None, int]]:
    """The file's rows of the table input_counts."""
    rejected_rows = sorted(tally.rejected.items())
    return [
        (file.name, "kept", None, tally.kept),
        *((file.name, "rejected", reason, count) for reason, count in rejected_rows),
    ]
