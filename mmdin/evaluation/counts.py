"""What the samples hold: rows, users and movies of each split, and how many of them are cold."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

SPLITS = ("train", "validation", "test")


def count_splits(samples: DataFrame) -> DataFrame:
    """The rows of SPLIT_COUNTS, counted in one pass.

    Args:
        samples: rows of the table samples of every set, with column samples (samples.name) and
            protocol (samples.protocol).
    """
    keys = F.array(
        F.struct(F.lit("user").alias("kind"), F.col("user_id").alias("id")),
        F.struct(F.lit("movie").alias("kind"), F.col("movie_id").alias("id")),
    )
    aggregates = [column for split in SPLITS for column in _of_identifier(split)]
    per_identifier = (
        samples.select("samples", "protocol", "split", "label", "rated_at", F.inline(keys))
        .groupBy("samples", "protocol", "kind", "id")
        .agg(*aggregates)
    )
    counted = per_identifier.groupBy("samples", "protocol").agg(*map(_of_split, SPLITS))
    return (
        counted.select("samples", "protocol", F.explode(F.array(*SPLITS)).alias("of"))
        .select("samples", "protocol", "of.*")
        .where("rows > 0")
    )


def _of_identifier(split: str) -> list[Column]:
    """Aggregates over the rows of one user or movie."""
    here = F.col("split") == split
    return [
        F.count_if(here).alias(f"{split}_rows"),
        F.count_if(here & (F.col("label") == 1)).alias(f"{split}_positives"),
        F.min(F.when(here, F.col("rated_at"))).alias(f"{split}_first"),
        F.max(F.when(here, F.col("rated_at"))).alias(f"{split}_last"),
    ]


def _of_split(split: str) -> Column:
    """A row of SPLIT_COUNTS, less samples and protocol, as an aggregate over users and movies."""
    is_user, is_movie = F.col("kind") == "user", F.col("kind") == "movie"
    occurs = F.col(f"{split}_rows") > 0
    is_cold = occurs & (F.col("train_rows") == 0)
    return F.struct(
        F.lit(split).alias("split"),
        # Every row has one user.
        F.sum(F.when(is_user, F.col(f"{split}_rows"))).alias("rows"),
        F.sum(F.when(is_user, F.col(f"{split}_positives"))).alias("positives"),
        F.count_if(is_user & occurs).alias("users"),
        F.count_if(is_movie & occurs).alias("movies"),
        F.count_if(is_user & is_cold).alias("cold_users"),
        F.count_if(is_movie & is_cold).alias("cold_movies"),
        F.min(f"{split}_first").alias("first_rated_at"),
        F.max(f"{split}_last").alias("last_rated_at"),
    ).alias(split)
