"""score: test and validation rows by networks and predictors."""

from pyspark.sql import SparkSession

from mmdin.fingerprints import RUN_SETTINGS
from mmdin.schemas import RUNS, SAMPLE_TABLES, TRUE_PROBABILITIES
from mmdin.scoring.score import score_variants
from mmdin.session import submit
from mmdin.stages import Stage
from mmdin.variants import Plan


def run(spark: SparkSession, plan: Plan) -> None:
    """Score test and validation rows with every variant and with predictors without a network.

    Writes predictions, validation_predictions and attention_weights.
    """
    score_variants(spark, plan)


STAGE = Stage(
    "score",
    run,
    part="evaluate",
    settings=(*RUN_SETTINGS, "scoring"),
    reads=(*SAMPLE_TABLES, RUNS, TRUE_PROBABILITIES),
)

if __name__ == "__main__":
    submit(run, "score")
