"""Read poster images into a table."""

from pyspark.sql import SparkSession

from mmdin.config import Config
from mmdin.posters.ingestion import write_posters
from mmdin.session import submit
from mmdin.tables import Tables


def run(spark: SparkSession, config: Config) -> None:
    """Read the images of input.posters, named by movie id, into the table posters."""
    write_posters(Tables.of(spark, config), config)


if __name__ == "__main__":
    submit(run, "ingest_posters")
