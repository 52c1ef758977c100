"""What the samples hold: rows, users and movies of each split, and how many of them are cold."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F


def count_splits(samples: DataFrame, name: str, protocol: str) -> DataFrame:
    """The rows of SPLIT_COUNTS of a set of samples.

    Args:
        samples: table samples.
        name: samples.name.
        protocol: samples.protocol.
    """
    in_training = F.max((F.col("split") == "train").cast("int"))
    known = samples.select(
        "split",
        "label",
        "rated_at",
        "user_id",
        "movie_id",
        in_training.over(Window.partitionBy("user_id")).alias("user_known"),
        in_training.over(Window.partitionBy("movie_id")).alias("movie_known"),
    )
    cold_user = F.when(F.col("user_known") == 0, F.col("user_id"))
    cold_movie = F.when(F.col("movie_known") == 0, F.col("movie_id"))
    return known.groupBy("split").agg(
        F.lit(name).alias("samples"),
        F.lit(protocol).alias("protocol"),
        F.count("*").alias("rows"),
        F.sum("label").cast("bigint").alias("positives"),
        F.count_distinct("user_id").alias("users"),
        F.count_distinct("movie_id").alias("movies"),
        F.count_distinct(cold_user).alias("cold_users"),
        F.count_distinct(cold_movie).alias("cold_movies"),
        F.min("rated_at").alias("first_rated_at"),
        F.max("rated_at").alias("last_rated_at"),
    )
