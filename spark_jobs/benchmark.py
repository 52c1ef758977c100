"""benchmark: rows per second of training with one rank and with all."""

import logging

from pyspark.sql import SparkSession

from mmdin.config import Config
from mmdin.session import submit
from mmdin.training.driver.benchmark import measure_scaling

log = logging.getLogger("mmdin.benchmark")


def run(spark: SparkSession, config: Config) -> None:
    """Print each network's rows per second with one rank and with training.ranks, on the newest
    samples, and how many times as fast all are as one. Nothing is written."""
    for label, speeds in measure_scaling(spark, config).items():
        one, *more = sorted(speeds)
        for ranks in more:
            log.info(
                "benchmark: %s: %s rows/s with 1 rank, %s with %d: %.2f times as fast",
                label,
                f"{speeds[one]:,.0f}",
                f"{speeds[ranks]:,.0f}",
                ranks,
                speeds[ranks] / speeds[one],
            )


if __name__ == "__main__":
    submit(run, "benchmark")
