"""Measure the posters."""

from pyspark.sql import SparkSession

from mmdin.config import Config
from mmdin.posters.extraction import write_poster_features
from mmdin.session import submit
from mmdin.tables import Tables


def run(spark: SparkSession, config: Config) -> None:
    """Measure the colours and spatial frequency of the table posters into poster_features."""
    write_poster_features(Tables.of(spark, config))


if __name__ == "__main__":
    submit(run, "poster_features")
