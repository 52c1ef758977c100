"""Make samples from ratings, movies and poster features."""

from pyspark.sql import SparkSession

from mmdin.config import Config
from mmdin.features.samples import write_samples
from mmdin.session import submit
from mmdin.tables import Tables
from mmdin.variants import plan_variants, sample_sets


def run(spark: SparkSession, config: Config) -> None:
    """Make samples from ratings, movies and poster features.

    Reads tables ratings, movies and poster_features. Writes samples (one row per rating in scope:
    label, split, features, and the features encoded), vocabularies and bucket_edges. What a row may
    know of other ratings is set by samples.protocol. Variants that change samples get tables of
    their own, with the variant's name behind the table's.
    """
    for samples in sample_sets(plan_variants(config)):
        write_samples(Tables.of(spark, samples), samples)


if __name__ == "__main__":
    submit(run, "build_samples")
