"""The movies that a user praised last before a rating."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from mmdin import inputs
from mmdin.features.order import in_order_of_time

PRAISED = (
    "movie_id",
    "movie_index",
    *(f"{inputs.genre(s)}_index" for s in range(1, inputs.GENRE_SLOTS + 1)),
)
"""What the history holds of each movie: columns of the row that praised it."""


def add_history(rows: DataFrame) -> DataFrame:
    """Add column history: the user's last praised movies of strictly earlier seconds, latest first.

    Reads user_id, seconds, label (1 is praised), in_history and PRAISED. The column is an array of
    at most HISTORY_LENGTH structs with the fields of PRAISED; null where nothing was praised.
    Movies praised in one second stand by descending movie_id.

    Takes time in proportion to the rows, however many one user has: every praised row holds the
    list that it ends, and every row takes the latest list from before it.
    """
    is_praised = F.col("in_history") & (F.col("label") == 1)
    praised = Window.partitionBy("user_id", "is_praised").orderBy("seconds", "movie_id")
    last_few = praised.rowsBetween(1 - inputs.HISTORY_LENGTH, Window.currentRow)
    earlier = (
        Window.partitionBy("user_id").orderBy("seconds").rangeBetween(Window.unboundedPreceding, -1)
    )
    # The list is compared by its number, which no other list of the user has.
    ending_here = F.struct(
        F.row_number().over(praised).alias("number"),
        F.collect_list(F.struct(*PRAISED)).over(last_few).alias("movies"),
    )
    numbered = (
        rows.repartition("user_id")
        .withColumn("is_praised", is_praised)
        .withColumn("ending_here", F.when(F.col("is_praised"), ending_here))
    )
    return (
        in_order_of_time(numbered, "user_id")
        .withColumn("history", F.reverse(F.max("ending_here").over(earlier)["movies"]))
        .drop("is_praised", "ending_here")
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
