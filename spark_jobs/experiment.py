"""experiment: every variant x model x seed of a configuration, compared."""

from pyspark.sql import SparkSession

from mmdin.config import Config
from mmdin.session import submit
from spark_jobs import pipeline


def run(spark: SparkSession, config: Config) -> None:
    """Train every variant, model and seed of a configuration such as conf/experiments/X.yaml, and
    compare them.

    Stopped at any time and started again, it goes on: training runs that have ended are not
    repeated. Ends as the pipeline does, of which this is the same with several variants or seeds;
    a row of table experiments names each run, and metrics has its numbers.
    """
    pipeline.run(spark, config)


if __name__ == "__main__":
    submit(run, "experiment")
