"""score: test and validation rows by networks and naive predictors."""

from pyspark.sql import SparkSession

from mmdin.config import Config
from mmdin.scoring.score import score_variants
from mmdin.session import submit


def run(spark: SparkSession, config: Config) -> None:
    """Score test and validation rows by every variant and by naive predictors.

    Writes predictions, validation_predictions and attention_weights.
    """
    score_variants(spark, config)


if __name__ == "__main__":
    submit(run, "score")
