"""Read MovieLens' files into tables."""

from pyspark.sql import SparkSession

from mmdin.config import Config
from mmdin.ingest.movielens import write_movielens
from mmdin.session import submit
from mmdin.tables import Tables


def run(spark: SparkSession, config: Config) -> None:
    """Read ratings.csv, movies.csv and links.csv of input.movielens; set bad rows aside."""
    write_movielens(Tables.of(spark, config), config.input.movielens)


if __name__ == "__main__":
    submit(run, "ingest_ratings")
