"""Ratings that come after those of table ratings: from a folder, without writing them."""

import contextlib
import functools
from collections.abc import Iterator

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from mmdin import schemas
from mmdin.config import Input
from mmdin.errors import InputDataError
from mmdin.ingest.delimited import read_rows
from mmdin.ingest.encodings import describe_undecodable
from mmdin.ingest.faults import translated_errors
from mmdin.ingest.formats import RATINGS
from mmdin.ingest.ratings import judge_ratings, judge_repeated_ratings
from mmdin.ingest.refusal import log_tally, refuse_unusable
from mmdin.ingest.rejection import kept
from mmdin.ingest.sources import find_source
from mmdin.ingest.tallies import ReadCounter, tally
from mmdin.storage import files_at
from mmdin.tables import Tables


def read_added_ratings(tables: Tables, given: Input, folder: str, key: str) -> DataFrame:
    """Read the ratings of a folder, of movies of table movies, as rows of table ratings.

    Logs how many rows were read, kept, and rejected for each reason.

    Args:
        tables: that hold the movies.
        given: how the files are written.
        folder: that holds them.
        key: of the configuration that names the folder, for messages.

    Raises:
        InputDataError: if the file or a column is missing, or too few rows can be used.
    """
    given = given.model_copy(update={"movielens": folder})
    movies = tables.read(schemas.MOVIES).select("movie_id")
    files = files_at(tables.spark, folder)
    with _naming(key), contextlib.ExitStack() as cached:
        source = find_source(files, given, RATINGS)
        counter = ReadCounter(read_rows(tables.spark, source))
        judged = judge_ratings(counter.rows, movies, given.rating_scale).persist()
        cached.callback(judged.unpersist)
        undecodable = functools.partial(describe_undecodable, files, [source.layouts])
        with translated_errors(folder, undecodable):
            counted = tally({RATINGS: judged})[RATINGS]
        log_tally(RATINGS, counted)
        counter.check(RATINGS.name, counted.judged)
        refuse_unusable(RATINGS, counted, judged, given, undecodable)
        return kept(judged, *schemas.RATINGS.columns).localCheckpoint()


def merge_ratings(ratings: DataFrame, added: DataFrame) -> DataFrame:
    """Both, but of several ratings of one movie by one user the latest, as when ingesting."""
    columns = {
        "seconds": F.unix_timestamp("rated_at"),
        "line": F.lit(""),
        "reason": F.lit(None).cast("string"),
    }
    both = ratings.unionByName(added).withColumns(columns)
    return kept(judge_repeated_ratings(both), *schemas.RATINGS.columns)


@contextlib.contextmanager
def _naming(key: str) -> Iterator[None]:
    """Let messages name the key that the folder is from."""
    try:
        yield
    except InputDataError as error:
        raise InputDataError(str(error).replace("input.movielens", key)) from error
