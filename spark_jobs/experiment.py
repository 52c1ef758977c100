"""experiment: every variant x model x seed of a configuration, compared."""

from pyspark.sql import SparkSession

from mmdin.session import submit
from mmdin.variants import Plan
from spark_jobs import pipeline


def run(spark: SparkSession, plan: Plan) -> None:
    """Train and compare every variant, model and seed of a configuration.

    Configurations of experiments are in conf/experiments/. An experiment that was stopped resumes
    when it is started again: training runs that ended are not repeated. It runs the same stages as
    the pipeline. Table experiments lists the runs, and table metrics has their numbers.
    """
    pipeline.run(spark, plan)


if __name__ == "__main__":
    submit(run, "experiment")
