"""evaluate: exact metrics of the predictions, and the table of models."""

import csv
import logging
from pathlib import Path

from pyspark.sql import DataFrame, Row, SparkSession, Window
from pyspark.sql import functions as F

from mmdin.config import Config
from mmdin.evaluation.comparison import format_comparison
from mmdin.evaluation.metrics import compute_metrics
from mmdin.schemas import METRICS
from mmdin.session import submit
from mmdin.tables import Tables

log = logging.getLogger("mmdin.evaluate")


def run(spark: SparkSession, config: Config) -> None:
    """Compute exact metrics of all predictions into metrics; prints each model's latest run."""
    tables = Tables(spark, config.root)
    runs = tables.read("runs").select("run_id", "protocol", "started_at")
    metrics = compute_metrics(tables.read("predictions"), tables.read("validation_predictions"))
    protocol = F.coalesce("protocol", F.lit(config.samples.protocol)).alias("protocol")
    described = metrics.join(F.broadcast(runs), on="run_id", how="left")
    tables.write(
        "metrics", described.select(*(c for c in METRICS.names if c != "protocol"), protocol)
    )
    latest = _latest_of_each_model(tables.read("metrics"), runs).collect()
    log.info("\n%s", format_comparison([r.asDict() for r in latest], config.samples))
    _write_csv(Path(config.root) / "report" / "metrics.csv", latest)


def _latest_of_each_model(metrics: DataFrame, runs: DataFrame) -> DataFrame:
    newest_first = Window.partitionBy("model").orderBy(F.desc("started_at"), F.desc("run_id"))
    joined = metrics.join(runs.select("run_id", "started_at"), on="run_id", how="left")
    numbered = joined.withColumn("age", F.row_number().over(newest_first))
    return numbered.where(F.col("age") == 1).select(*METRICS.names).orderBy("model")


def _write_csv(path: Path, rows: list[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(METRICS.names)
        writer.writerows(tuple(row) for row in rows)
    log.info("evaluate: the same table is in %s", path)


if __name__ == "__main__":
    submit(run, "evaluate")
