"""report: figures and the page that people read, from the tables that evaluate wrote."""

import logging

from pyspark.sql import SparkSession

from mmdin import schemas
from mmdin.config import Config
from mmdin.report.report import publish_report
from mmdin.report.report_data import read_report_data
from mmdin.report_files import PAGE
from mmdin.session import submit
from mmdin.stages import Stage
from mmdin.variants import Plan

log = logging.getLogger("mmdin.report")


def run(spark: SparkSession, plan: Plan) -> None:
    """Write the page report/index.html, which needs no other file, and report/figures/.

    The folder has every figure as SVG and PNG, and its numbers as CSV.
    """
    page = publish_report(spark, read_report_data(spark, plan.config), plan.config)
    log.info("report: open %s", page)


STAGE = Stage(
    "report",
    run,
    part="evaluate",
    settings=tuple(Config.model_fields),
    reads=(
        *schemas.written_by("evaluate"),
        schemas.ATTENTION_WEIGHTS,
        schemas.RANKING_METRICS,
        schemas.RANKING_DIFFERENCES,
        schemas.RUNS,
        schemas.EPOCHS,
        schemas.INPUT_COUNTS,
        schemas.POSTERS,
        schemas.MOVIES,
    ),
    output_files=(PAGE,),
)

if __name__ == "__main__":
    submit(run, "report")
