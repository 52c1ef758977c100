"""recommend: the movies that each user will probably like most, and why."""

from pyspark.sql import SparkSession

from mmdin.recommendation.recommend import write_recommendations
from mmdin.schemas import MOVIES, POSTER_FEATURES, RATINGS, RUNS, SAMPLE_TABLES
from mmdin.session import submit
from mmdin.stages import Stage
from mmdin.variants import Plan


def run(spark: SparkSession, plan: Plan) -> None:
    """Recommend some movies to every user, or to recommend.users, by a trained network.

    ALS and popularity choose the candidates, and the network orders them. Movies that a user has
    rated are left out. Under protocol point_in_time, lists as of the end of the validation rows are
    measured on the test rows, beside those of popularity and of ALS alone.
    Writes recommendations, reasons, ranking_metrics and ranking_differences, and prints one user's
    list. Job report shows the metrics afterwards.
    """
    write_recommendations(spark, plan)


STAGE = Stage(
    "recommend",
    run,
    part="evaluate",
    settings=("samples", "recommend", "scoring.batch_size"),
    reads=(*SAMPLE_TABLES, RUNS, RATINGS, MOVIES, POSTER_FEATURES),
)

if __name__ == "__main__":
    submit(run, "recommend")
