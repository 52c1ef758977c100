"""ingest_ratings: MovieLens' files into tables."""

from pyspark.sql import SparkSession

from mmdin.ingest.movielens import write_movielens
from mmdin.session import submit
from mmdin.stages import Stage
from mmdin.tables import Tables
from mmdin.variants import Plan


def run(spark: SparkSession, plan: Plan) -> None:
    """Read ratings.csv, movies.csv and links.csv in input.movielens into tables.

    Writes ratings, movies and links; rows that cannot be right go to rejected_rows, and their
    number to input_counts.
    """
    write_movielens(Tables.of(spark, plan.config), plan.config.input)


STAGE = Stage(
    "ingest_ratings",
    run,
    settings=(
        "input.ratings_files",
        "input.movies_files",
        "input.links_files",
        "input.format",
        "input.encoding",
        "input.rating_scale",
        "input.max_rejected_share",
    ),
    input_folders=("movielens",),
)

if __name__ == "__main__":
    submit(run, "ingest_ratings")
