"""build_states: what is known of every user and every movie at one moment."""

from pyspark.sql import SparkSession

from mmdin.prediction.predict import build_states
from mmdin.schemas import MOVIES, POSTER_FEATURES, RATINGS, SAMPLE_TABLES
from mmdin.session import submit
from mmdin.stages import Stage
from mmdin.variants import Plan


def run(spark: SparkSession, plan: Plan) -> None:
    """Write user_states and movie_states as of predict.as_of.

    A state holds what a sample of that user, or movie, at that moment would know, from the ratings
    of the root and of predict.ratings, encoded as the newest samples are. If there are states of an
    earlier moment and all that is new are newer ratings, only what these touch is worked out again.
    """
    build_states(spark, plan)


STAGE = Stage(
    "build_states",
    run,
    settings=("samples", "predict.ratings", "predict.as_of"),
    reads=(RATINGS, MOVIES, POSTER_FEATURES, *SAMPLE_TABLES),
)

if __name__ == "__main__":
    submit(run, "build_states")
