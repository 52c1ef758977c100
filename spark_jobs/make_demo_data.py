"""make_demo_data: an invented world in MovieLens' file format, with posters and a known truth."""

from pyspark.sql import SparkSession

from mmdin.session import submit
from mmdin.stages import Stage, run_stages
from mmdin.variants import Plan
from mmdin.world.generate import generate_world


def run(spark: SparkSession, plan: Plan) -> None:
    """Invent users, movies, posters and ratings.

    Writes ratings.csv, movies.csv and links.csv into input.movielens, posters into input.posters,
    and the table true_probabilities. Does nothing if they are already there.
    """
    run_stages(spark, plan, [STAGE])


STAGE = Stage(
    "make_demo_data",
    lambda spark, plan: generate_world(spark, plan.config),
    settings=("world",),
    output_folders=("movielens", "posters"),
)

if __name__ == "__main__":
    submit(run, "make_demo_data")
