"""score: test and validation rows by networks and naive predictors."""

import functools
import logging

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from mmdin.config import Config
from mmdin.schemas import PREDICTIONS
from mmdin.scoring.naive import score_best_possible, score_naively
from mmdin.scoring.networks import score_with_network
from mmdin.scoring.runs import select_runs
from mmdin.session import submit
from mmdin.tables import Tables

log = logging.getLogger("mmdin.score")


def run(spark: SparkSession, config: Config) -> None:
    """Score test and validation rows; writes predictions and validation_predictions."""
    tables = Tables(spark, config.root)
    scored = [_score_run(tables, chosen, config) for chosen in select_runs(tables, config)]
    samples = tables.read("samples")
    scored.append(score_naively(samples))
    if tables.exists("true_probabilities"):
        scored.append(score_best_possible(samples, tables.read("true_probabilities")))
    rows = functools.reduce(DataFrame.unionByName, scored).persist(StorageLevel.MEMORY_AND_DISK)
    for name, split in (("predictions", "test"), ("validation_predictions", "validation")):
        _replace_runs(tables, name, rows.where(F.col("split") == split))
    rows.unpersist()


def _score_run(tables: Tables, chosen: Row, config: Config) -> DataFrame:
    samples = tables.read("samples", chosen["table_versions"]["samples"])
    return score_with_network(
        samples.where(F.col("split").isin("validation", "test")),
        chosen["run_id"],
        chosen["model"],
        chosen["checkpoint"],
        config.scoring.batch_size,
    )


def _replace_runs(tables: Tables, name: str, rows: DataFrame) -> None:
    counts = rows.groupBy("run_id").count().orderBy("run_id").collect()
    names = ", ".join(f"'{c['run_id']}'" for c in counts)
    tables.replace(name, rows.select(*PREDICTIONS.names), f"run_id IN ({names})")
    for count in counts:
        log.info("score: %s rows of %s into %s", f"{count['count']:,}", count["run_id"], name)


if __name__ == "__main__":
    submit(run, "score")
