"""What turns readable values into the indices of a network, from the tables of its samples."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, LongType

from mmdin.features.buckets import Edges, edges_from_rows
from mmdin.features.movies import describe_movies
from mmdin.features.vocabularies import identifiers, look_up
from mmdin.finished_runs import FinishedRun
from mmdin.inputs import GENRE_SLOTS, INPUTS, Input, genre
from mmdin.schemas import (
    BUCKET_EDGES,
    MOVIES,
    POSTER_FEATURES,
    SAMPLES,
    VOCABULARIES,
)

Keys = NDArray[np.int64] | list[str]

GENRES = tuple(f"{genre(slot)}_index" for slot in range(1, GENRE_SLOTS + 1))
"""Columns of samples with the indices of a movie's genres."""


@dataclass(frozen=True)
class Encodings:
    """How the values of a set of samples are encoded.

    Attributes:
        keys: the keys of each vocabulary, in the order of their indices, which begin with 1.
        edges: inner edges by the value that they cut; see mmdin.features.buckets.
        movies: int64 [movies], ids of those whose genres are known.
        genres: int32 [movies, GENRE_SLOTS], the indices of their genres.
    """

    keys: Mapping[str, Keys]
    edges: Edges
    movies: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    genres: NDArray[np.int32] = field(default_factory=lambda: np.empty((0, GENRE_SLOTS), np.int32))

    @property
    def missing_id(self) -> int:
        """The id that means none: -1, or the next below it that no user and no movie has."""
        numbers = [set(keys.tolist()) for keys in self.keys.values() if not isinstance(keys, list)]
        taken = set().union(*numbers, self.movies.tolist())
        return next(n for n in itertools.count(-1, -1) if n not in taken)


def is_number(value: str) -> bool:
    """Whether an identifier is a number (int64), as samples hold it, or else text."""
    return value in SAMPLES.columns and isinstance(
        SAMPLES.schema[value].dataType, LongType | IntegerType
    )


def read_encodings(run: FinishedRun) -> Encodings:
    """The encodings of the samples that a run was trained on."""
    tables, versions = run.tables, run.table_versions
    vocabularies = tables.read(VOCABULARIES, versions[VOCABULARIES.name])
    edges = edges_from_rows(tables.read(BUCKET_EDGES, versions[BUCKET_EDGES.name]))
    keys = split_keys(vocabularies.select("vocabulary", "key", "index").toArrow())
    listed = describe_movies(tables.read(MOVIES), tables.read(POSTER_FEATURES))
    listed = look_up(
        listed, vocabularies, identifiers(c for c in listed.columns if c != "movie_id")
    )
    rated = tables.read(SAMPLES, versions[SAMPLES.name]).select("movie_id", *GENRES)
    movies = _genres_of_movies(listed.select("movie_id", *GENRES), rated)
    genres = np.stack([movies[c].to_numpy() for c in GENRES], axis=1).astype(np.int32)
    return Encodings(keys, edges, movies["movie_id"].to_numpy().astype(np.int64), genres)


def split_keys(vocabularies: pa.Table, inputs: Sequence[Input] = INPUTS) -> dict[str, Keys]:
    """The keys of each vocabulary, in the order of their indices.

    Args:
        vocabularies: columns vocabulary, key and index of table vocabularies.
        inputs: which decide whether keys are numbers.
    """
    keys: dict[str, Keys] = {}
    for i in inputs:
        if i.is_bucket or i.vocabulary in keys:
            continue
        of_input = vocabularies.filter(pc.equal(vocabularies["vocabulary"], i.vocabulary))
        in_order = of_input.sort_by("index")["key"]
        numbers = is_number(i.value)
        keys[i.vocabulary] = (
            in_order.cast(pa.int64()).to_numpy() if numbers else in_order.to_pylist()
        )
    return keys


def _genres_of_movies(listed: DataFrame, rated: DataFrame) -> pa.Table:
    """movie_id and GENRES of every movie; those of the samples count, if others are listed now."""
    of_samples = rated.groupBy("movie_id").agg(F.first(F.struct(*GENRES)).alias("sampled"))
    both = of_samples.join(
        listed.select("movie_id", F.struct(*GENRES).alias("listed")), "movie_id", how="full"
    )
    return (
        both.select("movie_id", F.coalesce("sampled", "listed").alias("g"))
        .select("movie_id", "g.*")
        .toArrow()
    )
