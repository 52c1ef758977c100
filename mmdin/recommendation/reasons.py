"""Why a movie is recommended: the liked movies that attention weighs most for it.

Weights show where the network looks, not why.
"""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from mmdin.schemas import REASONS, SAMPLES
from mmdin.scoring.attention import weigh_history
from mmdin.scoring.networks import TrainedRun

_MOST = 3
"""Liked movies that are named for a recommended one."""


def find_reasons(described: DataFrame, run: TrainedRun) -> DataFrame:
    """The rows of REASONS.

    Args:
        described: recommended pairs as described for scoring, with rank and as_of.
        run: of a network with attention.
    """
    unrated = F.lit(None).cast(SAMPLES.schema["label"].dataType)
    rows = described.withColumns({"rated_at": F.col("as_of"), "label": unrated})
    weighed = weigh_history(rows, [run]).where(F.col("history_movie_id").isNotNull())
    order = (F.desc("weight"), "position")
    place = F.row_number().over(Window.partitionBy("user_id", "movie_id").orderBy(*order))
    ranks = described.select("user_id", "movie_id", "rank")
    chosen = weighed.withColumn("place", place).where(F.col("place") <= _MOST)
    named = chosen.withColumnRenamed("history_movie_id", "liked_movie_id")
    return named.join(ranks, ["user_id", "movie_id"]).select(*REASONS.columns)
