"""predict: scores of given users and movies by a trained network."""

from pyspark.sql import SparkSession

from mmdin.prediction.predict import predict_pairs
from mmdin.schemas import MOVIES, POSTER_FEATURES, RATINGS, RUNS, SAMPLE_TABLES
from mmdin.session import submit
from mmdin.stages import Stage
from mmdin.variants import Plan


def run(spark: SparkSession, plan: Plan) -> None:
    """Score the pairs of predict.pairs by the run predict.run.

    Writes pair_scores, of which it replaces the run's rows; pairs that cannot be used go to
    rejected_pairs. Every pair gets what the ratings before its moment tell, those of
    predict.ratings included.
    """
    predict_pairs(spark, plan)


STAGE = Stage(
    "predict",
    run,
    settings=("predict", "scoring.batch_size"),
    reads=(RATINGS, MOVIES, POSTER_FEATURES, *SAMPLE_TABLES, RUNS),
)

if __name__ == "__main__":
    submit(run, "predict")
