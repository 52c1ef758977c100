"""pipeline: every stage from ingestion to evaluation, in one application."""

from pyspark.sql import SparkSession

from mmdin.config import Config
from mmdin.session import submit
from mmdin.stages import Stage, run_stages
from spark_jobs import (
    build_samples,
    evaluate,
    ingest_posters,
    ingest_ratings,
    poster_features,
    score,
    train,
)

STAGES = (
    Stage(
        "ingest_ratings",
        ingest_ratings.run,
        files=("movielens",),
        writes=("ratings", "movies", "links", "rejected_rows"),
    ),
    Stage(
        "ingest_posters",
        ingest_posters.run,
        sections=("posters",),
        files=("posters",),
        writes=("posters",),
    ),
    Stage(
        "poster_features",
        poster_features.run,
        sections=("posters",),
        reads=("posters",),
        writes=("poster_features",),
    ),
    Stage(
        "build_samples",
        build_samples.run,
        sections=("samples",),
        reads=("ratings", "movies", "poster_features"),
        writes=("samples", "vocabularies", "bucket_edges"),
    ),
    Stage(
        "train",
        train.run,
        sections=("networks", "training"),
        reads=("samples", "vocabularies", "bucket_edges"),
        writes=("runs", "epochs"),
    ),
    Stage(
        "score",
        score.run,
        sections=("training", "scoring"),
        reads=("samples", "runs", "true_probabilities"),
        writes=("predictions", "validation_predictions"),
    ),
    Stage(
        "evaluate",
        evaluate.run,
        sections=("samples",),
        reads=("predictions", "validation_predictions", "runs"),
        writes=("metrics",),
    ),
)


def run(spark: SparkSession, config: Config) -> None:
    """Run every stage in order, skipping those whose inputs, configuration and code are as
    before."""
    run_stages(spark, config, STAGES)


if __name__ == "__main__":
    submit(run, "pipeline")
