"""Whether scores mean what they say: reliability by bin of scores."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

BINS = 10


def calibrate(scored: DataFrame) -> DataFrame:
    """The rows of CALIBRATION: for each run and bin of equal width, mean score and positive share.

    scored: columns of PREDICTIONS, and variant.
    """
    bin_of_score = F.least(F.floor(F.col("score") * BINS), F.lit(BINS - 1)).cast("int")
    return scored.groupBy("run_id", "variant", "model", bin_of_score.alias("bin")).agg(
        F.count("*").alias("rows"),
        F.avg("score").alias("mean_score"),
        F.avg("label").alias("positive_share"),
    )


def calibration_errors(calibration: DataFrame) -> DataFrame:
    """run_id and calibration_error: the rows-weighted mean over bins of |mean score - share|.

    Naeini et al. 2015 (AAAI, expected calibration error).
    """
    gap = F.abs(F.col("mean_score") - F.col("positive_share"))
    weighted = F.sum(gap * F.col("rows")) / F.sum("rows")
    return calibration.groupBy("run_id").agg(weighted.alias("calibration_error"))
