"""What a user rated and liked last before a rating."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from mmdin import inputs
from mmdin.features.order import sort_parts_by_time

LIKED = (
    "movie_id",
    "movie_index",
    *(f"{inputs.genre(s)}_index" for s in range(1, inputs.GENRE_SLOTS + 1)),
)
"""What the history holds of each movie: columns of the row that liked it."""


@dataclass(frozen=True)
class Latest:
    """A column of a user's latest ratings of earlier seconds.

    Attributes:
        column: its name.
        among: condition, in SQL, of the ratings that it may hold.
        fields: columns of such a rating's row that it holds.
        length: ratings that it holds at most.
    """

    column: str
    among: str
    fields: tuple[str, ...]
    length: int


HISTORY = Latest("history", "in_history AND label = 1", LIKED, inputs.HISTORY_LENGTH)
"""The movies that the user liked last."""

RATED = Latest("rated", "in_history", ("movie_index", "residual", "deviation", "genre_bits"), 50)
"""The ratings, liked or not, that are looked back on for tastes."""


def add_latest(rows: DataFrame, wanted: Sequence[Latest]) -> DataFrame:
    """Add a user's latest ratings, latest first, as arrays of structs; null if there is none.

    Reads user_id, movie_id, seconds and what is wanted, of rows that are partitioned by the user.
    Ratings of the same second are ordered by descending movie_id. The result is in the order of
    sort_by_time, by user.

    Takes time in proportion to the rows, however many ratings one user has: every rating that a
    list may hold holds the list that it ends, and every row takes the latest list from before it.
    """
    flags = {_flag(latest): F.expr(latest.among) for latest in wanted}
    lists = {_list(latest): _ending_here(latest) for latest in wanted}
    numbered = rows.withColumns(flags).withColumns(lists)
    earlier = (
        Window.partitionBy("user_id").orderBy("seconds").rangeBetween(Window.unboundedPreceding, -1)
    )
    latest_lists = {
        latest.column: F.reverse(F.max(_list(latest)).over(earlier)["ratings"]) for latest in wanted
    }
    in_order = sort_parts_by_time(numbered, "user_id")
    return in_order.withColumns(latest_lists).drop(*flags, *lists)


def _ending_here(latest: Latest) -> Column:
    """The list that a rating ends, if a list may hold the rating."""
    held = Window.partitionBy("user_id", _flag(latest)).orderBy("seconds", "movie_id")
    last_few = held.rowsBetween(1 - latest.length, Window.currentRow)
    # Lists are compared by their number, which is unique within a user.
    numbered = F.struct(
        F.row_number().over(held).alias("number"),
        F.collect_list(F.struct(*latest.fields)).over(last_few).alias("ratings"),
    )
    return F.when(F.col(_flag(latest)), numbered)


def _flag(latest: Latest) -> str:
    return f"is_in_{latest.column}"


def _list(latest: Latest) -> str:
    return f"{latest.column}_ending_here"


def spread_history() -> dict[str, Column]:
    """Column history as one column per position: movie ids (long) and their indices (int, 0 none).

    Gives history_movie_1.., history_movie_1_index.. and history_1_genre_1_index.. .
    """
    columns = {}
    for position in range(1, inputs.HISTORY_LENGTH + 1):
        movie = F.get("history", F.lit(position - 1))
        name = inputs.history_movie(position)
        columns[name] = movie["movie_id"]
        columns[f"{name}_index"] = F.coalesce(movie["movie_index"], F.lit(0))
        for slot in range(1, inputs.GENRE_SLOTS + 1):
            index = movie[f"{inputs.genre(slot)}_index"]
            columns[f"{inputs.history_genre(position, slot)}_index"] = F.coalesce(index, F.lit(0))
    return columns


def flatten(lists: pa.ListArray) -> tuple[NDArray[np.int64], pa.StructArray]:
    """The ratings of a column of Latest, one after the other, and of which row each is.

    Args:
        lists: of structs; null if there is none.
    """
    lengths = lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    return np.repeat(np.arange(len(lists)), lengths), lists.flatten()
