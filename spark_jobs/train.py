"""train: networks on the samples, by Horovod on Spark tasks."""

from pyspark.sql import SparkSession

from mmdin.config import Config
from mmdin.session import submit
from mmdin.training.train import train_networks


def run(spark: SparkSession, config: Config) -> None:
    """Train the networks of training.models on samples; writes runs, epochs and checkpoints/."""
    train_networks(spark, config)


if __name__ == "__main__":
    submit(run, "train")
