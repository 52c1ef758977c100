"""ingest_ratings: MovieLens' files into tables."""

from pyspark.sql import SparkSession

from mmdin.ingest.movielens import write_movielens
from mmdin.session import submit
from mmdin.stages import Stage
from mmdin.tables import Tables
from mmdin.variants import Plan


def run(spark: SparkSession, plan: Plan) -> None:
    """Read ratings.csv, movies.csv and links.csv in input.movielens into tables.

    Writes ratings, movies and links; rows that cannot be right go to rejected_rows.
    """
    write_movielens(Tables.of(spark, plan.config), plan.config.input.movielens)


STAGE = Stage("ingest_ratings", run, input_folders=("movielens",))

if __name__ == "__main__":
    submit(run, "ingest_ratings")
