"""pipeline: every stage from ingestion to the report, in one application."""

from pyspark.sql import SparkSession

from mmdin.config import Config
from mmdin.features.samples import write_samples
from mmdin.session import submit
from mmdin.stages import Stage, run_stages
from mmdin.tables import SAMPLE_TABLES, Tables
from mmdin.variants import plan_variants, sample_sets
from spark_jobs import (
    evaluate,
    ingest_posters,
    ingest_ratings,
    poster_features,
    report,
    score,
    train,
)

INGESTION = (
    Stage(
        "ingest_ratings",
        ingest_ratings.run,
        code=("ingest",),
        files=("movielens",),
        writes=("ratings", "movies", "links", "rejected_rows"),
    ),
    Stage(
        "ingest_posters",
        ingest_posters.run,
        code=("posters",),
        sections=("posters",),
        files=("posters",),
        writes=("posters",),
    ),
    Stage(
        "poster_features",
        poster_features.run,
        code=("posters",),
        sections=("posters",),
        reads=("posters",),
        writes=("poster_features",),
    ),
)

SAMPLING = Stage(
    "build_samples",
    lambda spark, config: write_samples(Tables.of(spark, config), config),
    code=("features",),
    sections=("samples",),
    reads=("ratings", "movies", "poster_features"),
    writes=SAMPLE_TABLES,
)


def comparison(sample_tables: tuple[str, ...]) -> tuple[Stage, ...]:
    """The stages that follow on samples.

    sample_tables: names of all SAMPLE_TABLES that the variants take.
    """
    return (
        Stage(
            "train",
            train.run,
            code=("dataset", "models", "training"),
            sections=("networks", "training", "experiment"),
            reads=sample_tables,
            writes=("runs", "epochs"),
        ),
        Stage(
            "score",
            score.run,
            code=("models", "scoring"),
            sections=("training", "scoring", "experiment"),
            reads=(*sample_tables, "runs", "true_probabilities"),
            writes=("predictions", "validation_predictions", "attention_weights"),
        ),
        Stage(
            "evaluate",
            evaluate.run,
            code=("evaluation",),
            sections=("samples", "training", "experiment"),
            reads=(*sample_tables, "predictions", "validation_predictions", "runs"),
            writes=(
                "experiments",
                "split_counts",
                "metrics",
                "metric_intervals",
                "differences",
                "calibration",
                "sampled_scores",
            ),
        ),
    )


def run(spark: SparkSession, config: Config) -> None:
    """Run every stage in order, or those of one part, skipping those whose inputs, configuration
    and code are as before. The report is always written. With input.tables nothing is ingested."""
    sets = sample_sets(plan_variants(config))
    suffixes = [f"_{s.samples.name}" if s.samples.name else "" for s in sets]
    training, *evaluation = comparison(tuple(t + s for s in suffixes for t in SAMPLE_TABLES))
    if config.part in ("all", "prepare"):
        if not config.input.tables:
            run_stages(spark, config, INGESTION)
        for samples in sets:
            run_stages(spark, samples, [SAMPLING])
    if config.part in ("all", "train"):
        run_stages(spark, config, [training])
    if config.part in ("all", "evaluate"):
        run_stages(spark, config, evaluation)
        report.run(spark, config)


if __name__ == "__main__":
    submit(run, "pipeline")
