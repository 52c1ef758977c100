"""evaluate: exact metrics of the predictions with their uncertainty, and the table of variants."""

from pyspark.sql import SparkSession

from mmdin.config import Config
from mmdin.evaluation.evaluate import evaluate_variants
from mmdin.session import submit


def run(spark: SparkSession, config: Config) -> None:
    """Compare all variants and predictors on the test rows; prints the table of them.

    Writes experiments, split_counts, metrics, metric_intervals, differences, calibration,
    sampled_scores, and report/metrics.csv.
    """
    evaluate_variants(spark, config)


if __name__ == "__main__":
    submit(run, "evaluate")
