"""The movies that a user liked last before a rating."""

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


def add_history(rows: DataFrame) -> DataFrame:
    """Add column history: the movies that the user liked in earlier seconds, latest first.

    Reads user_id, seconds, label (1 is liked), in_history and LIKED. The column is an array of at
    most HISTORY_LENGTH structs with the fields of LIKED, and null if nothing was liked before.
    Movies liked in the same second are ordered by descending movie_id. The result is in the order
    of sort_by_time, by user.

    Takes time in proportion to the rows, however many ratings one user has: every liked row holds
    the list that it ends, and every row takes the latest list from before it.
    """
    is_liked = F.col("in_history") & (F.col("label") == 1)
    liked = Window.partitionBy("user_id", "is_liked").orderBy("seconds", "movie_id")
    last_few = liked.rowsBetween(1 - inputs.HISTORY_LENGTH, Window.currentRow)
    earlier = (
        Window.partitionBy("user_id").orderBy("seconds").rangeBetween(Window.unboundedPreceding, -1)
    )
    # Lists are compared by their number, which is unique within a user.
    ending_here = F.struct(
        F.row_number().over(liked).alias("number"),
        F.collect_list(F.struct(*LIKED)).over(last_few).alias("movies"),
    )
    numbered = (
        rows.repartition("user_id")
        .withColumn("is_liked", is_liked)
        .withColumn("ending_here", F.when(F.col("is_liked"), ending_here))
    )
    return (
        sort_parts_by_time(numbered, "user_id")
        .withColumn("history", F.reverse(F.max("ending_here").over(earlier)["movies"]))
        .drop("is_liked", "ending_here")
    )


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
