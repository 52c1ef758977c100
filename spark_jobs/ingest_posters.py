"""ingest_posters: poster images, and their colours and spatial frequency, into tables."""

from pyspark.sql import SparkSession

from mmdin.posters.ingestion import write_posters
from mmdin.session import submit
from mmdin.stages import Stage
from mmdin.tables import Tables
from mmdin.variants import Plan


def run(spark: SparkSession, plan: Plan) -> None:
    """Read and measure the images in input.posters, named by movie id.

    Writes the tables posters and poster_features.
    """
    write_posters(Tables.of(spark, plan.config), plan.config)


STAGE = Stage(
    "ingest_posters",
    run,
    settings=("posters", "samples.with_posters_only"),
    input_folders=("posters",),
)

if __name__ == "__main__":
    submit(run, "ingest_posters")
