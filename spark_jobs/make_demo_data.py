"""Make an invented world in MovieLens' file format, with posters and with its truth known."""

from pyspark.sql import SparkSession

from mmdin.config import Config
from mmdin.session import submit
from mmdin.stages import Stage, run_stages
from mmdin.world.generate import generate_world


def run(spark: SparkSession, config: Config) -> None:
    """Write ratings.csv, movies.csv and links.csv under input.movielens, posters under
    input.posters, and the table true_probabilities; nothing where they are there already."""
    stage = Stage(
        "make_demo_data",
        generate_world,
        sections=("world",),
        files=("movielens", "posters"),
    )
    run_stages(spark, config, [stage])


if __name__ == "__main__":
    submit(run, "make_demo_data")
