"""report: figures and the page that people read, from the tables that evaluate wrote."""

import logging

from pyspark.sql import SparkSession

from mmdin.config import Config
from mmdin.report.report import publish_report
from mmdin.report.report_data import read_report_data
from mmdin.session import submit

log = logging.getLogger("mmdin.report")


def run(spark: SparkSession, config: Config) -> None:
    """Write report/index.html, which needs no other file, and report/figures/ with every figure as
    SVG and PNG and the numbers behind it as CSV."""
    page = publish_report(spark, read_report_data(spark, config), config)
    log.info("report: open %s", page)


if __name__ == "__main__":
    submit(run, "report")
