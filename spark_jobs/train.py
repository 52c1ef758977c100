"""train: networks on the samples, by Horovod on Spark tasks."""

from pyspark.sql import SparkSession

from mmdin.config import Config
from mmdin.session import submit
from mmdin.training.driver.train import train_networks
from mmdin.variants import plan_variants


def run(spark: SparkSession, config: Config) -> None:
    """Train every network of every variant with every seed; writes runs, epochs and checkpoints/.

    Runs that ended before with the same configuration, samples and code are not repeated.
    """
    train_networks(spark, plan_variants(config))


if __name__ == "__main__":
    submit(run, "train")
