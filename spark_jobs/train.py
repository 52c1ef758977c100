"""train: networks on the samples, by Horovod on Spark tasks."""

from pyspark.sql import SparkSession

from mmdin.schemas import SAMPLE_TABLES
from mmdin.session import submit
from mmdin.stages import Stage
from mmdin.training.driver.train import train_networks
from mmdin.variants import Plan


def run(spark: SparkSession, plan: Plan) -> None:
    """Train every network of every variant with every seed.

    Writes runs, epochs and checkpoints/. Runs that ended before with the same configuration,
    samples and code are not repeated.
    """
    train_networks(spark, plan)


STAGE = Stage(
    "train",
    run,
    part="train",
    settings=("networks", "training", "experiment.variants"),
    reads=SAMPLE_TABLES,
    output_root_folders=("checkpoints",),
)

if __name__ == "__main__":
    submit(run, "train")
