"""pipeline: every stage from ingestion to the report, in one application."""

from pyspark.sql import SparkSession

from mmdin.session import submit
from mmdin.stages import run_pipeline
from mmdin.variants import Plan
from spark_jobs import (
    build_samples,
    evaluate,
    ingest_posters,
    ingest_ratings,
    report,
    score,
    track,
    train,
)

STAGES = (
    ingest_ratings.STAGE,
    ingest_posters.STAGE,
    build_samples.STAGE,
    train.STAGE,
    score.STAGE,
    evaluate.STAGE,
    report.STAGE,
    track.STAGE,
)


def run(spark: SparkSession, plan: Plan) -> None:
    """Run every stage in order, or those of one part.

    Stages whose inputs, configuration and code are unchanged are skipped. With input.tables nothing
    is ingested.
    """
    run_pipeline(spark, plan, STAGES)


if __name__ == "__main__":
    submit(run, "pipeline")
