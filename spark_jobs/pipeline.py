"""pipeline: every stage from ingestion to the report, in one application."""

from pyspark.sql import SparkSession

from mmdin.config import Config
from mmdin.features.samples import write_samples
from mmdin.schemas import (
    MOVIES,
    POSTER_FEATURES,
    POSTERS,
    PREDICTIONS,
    RATINGS,
    RUNS,
    SAMPLE_TABLES,
    TRUE_PROBABILITIES,
    VALIDATION_PREDICTIONS,
)
from mmdin.session import submit
from mmdin.stages import Stage, run_stages
from mmdin.tables import Tables
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
    ),
    Stage(
        "ingest_posters",
        ingest_posters.run,
        code=("posters",),
        sections=("posters",),
        files=("posters",),
    ),
    Stage(
        "poster_features",
        poster_features.run,
        code=("posters",),
        sections=("posters",),
        reads=(POSTERS,),
    ),
)

SAMPLING = Stage(
    "build_samples",
    lambda spark, config: write_samples(Tables.of(spark, config), config),
    code=("features",),
    sections=("samples",),
    reads=(RATINGS, MOVIES, POSTER_FEATURES),
)


COMPARISON = (
    Stage(
        "train",
        train.run,
        code=("dataset", "models", "training"),
        sections=("networks", "training", "experiment"),
        reads=SAMPLE_TABLES,
    ),
    Stage(
        "score",
        score.run,
        code=("models", "scoring"),
        sections=("training", "scoring", "experiment"),
        reads=(*SAMPLE_TABLES, RUNS, TRUE_PROBABILITIES),
    ),
    Stage(
        "evaluate",
        evaluate.run,
        code=("evaluation",),
        sections=("samples", "training", "experiment"),
        reads=(*SAMPLE_TABLES, PREDICTIONS, VALIDATION_PREDICTIONS, RUNS),
    ),
)


def run(spark: SparkSession, config: Config) -> None:
    """Run every stage in order, or those of one part, skipping those whose inputs, configuration
    and code are as before. The report is always written. With input.tables nothing is ingested."""
    sets = sample_sets(plan_variants(config))
    names = [s.samples.name for s in sets]
    training, *evaluation = COMPARISON
    if config.part in ("all", "prepare"):
        if not config.input.tables:
            run_stages(spark, config, INGESTION)
        for samples in sets:
            run_stages(spark, samples, [SAMPLING])
    if config.part in ("all", "train"):
        run_stages(spark, config, [training], names)
    if config.part in ("all", "evaluate"):
        run_stages(spark, config, evaluation, names)
        report.run(spark, config)


if __name__ == "__main__":
    submit(run, "pipeline")
