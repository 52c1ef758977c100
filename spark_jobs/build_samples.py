"""build_samples: samples from ratings, movies and poster features."""

from pyspark.sql import SparkSession

from mmdin.features.samples import write_samples
from mmdin.schemas import MOVIES, POSTER_FEATURES, RATINGS
from mmdin.session import submit
from mmdin.stages import Stage
from mmdin.tables import Tables
from mmdin.variants import Plan


def run(spark: SparkSession, plan: Plan) -> None:
    """Build samples from the tables ratings, movies and poster_features.

    Writes samples (one row per rating in scope: label, split, features, and the features encoded),
    vocabularies, bucket_edges and movie_similarities. samples.protocol sets what a row may know of
    other ratings.
    Variants that change samples get their own tables, named after the variant.
    """
    for samples in plan.sample_sets():
        write_samples(Tables.of(spark, samples.config), samples.config)


STAGE = Stage("build_samples", run, settings=("samples",), reads=(RATINGS, MOVIES, POSTER_FEATURES))

if __name__ == "__main__":
    submit(run, "build_samples")
