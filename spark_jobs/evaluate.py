"""evaluate: exact metrics of the predictions with their uncertainty, and the table of variants."""

from pyspark.sql import SparkSession

from mmdin.evaluation.evaluate import evaluate_variants
from mmdin.fingerprints import RUN_SETTINGS
from mmdin.report_files import METRICS_CSV
from mmdin.schemas import (
    PREDICTIONS,
    RUNS,
    SAMPLE_TABLES,
    TRUE_PROBABILITIES,
    VALIDATION_PREDICTIONS,
)
from mmdin.session import submit
from mmdin.stages import Stage
from mmdin.variants import Plan


def run(spark: SparkSession, plan: Plan) -> None:
    """Compare all variants and predictors on the test rows, and print the table of them.

    Writes experiments, split_counts, metrics, metric_intervals, differences, calibration,
    sampled_scores, planted_effects if the world is generated, and report/metrics.csv.
    """
    evaluate_variants(spark, plan)


STAGE = Stage(
    "evaluate",
    run,
    part="evaluate",
    settings=(*RUN_SETTINGS, "scoring.predictors"),
    reads=(*SAMPLE_TABLES, PREDICTIONS, VALIDATION_PREDICTIONS, RUNS, TRUE_PROBABILITIES),
    output_files=(METRICS_CSV,),
)

if __name__ == "__main__":
    submit(run, "evaluate")
