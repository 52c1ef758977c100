"""poster_features: colours and spatial frequency of the posters."""

from pyspark.sql import SparkSession

from mmdin.posters.extraction import write_poster_features
from mmdin.schemas import POSTERS
from mmdin.session import submit
from mmdin.stages import Stage
from mmdin.tables import Tables
from mmdin.variants import Plan


def run(spark: SparkSession, plan: Plan) -> None:
    """Measure the colours and spatial frequency of the posters into the table poster_features."""
    write_poster_features(Tables.of(spark, plan.config))


STAGE = Stage("poster_features", run, reads=(POSTERS,))

if __name__ == "__main__":
    submit(run, "poster_features")
