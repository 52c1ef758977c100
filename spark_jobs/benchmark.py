"""benchmark: rows per second of training with one rank and with all."""

from pyspark.sql import SparkSession

from mmdin.session import submit
from mmdin.training.driver.benchmark import log_scaling
from mmdin.variants import Plan


def run(spark: SparkSession, plan: Plan) -> None:
    """Print the training speed of each network, in rows per second, with one rank and with all.

    Trains on the newest samples and writes nothing. All ranks are as many as training.ranks.
    """
    log_scaling(spark, plan)


if __name__ == "__main__":
    submit(run, "benchmark")
