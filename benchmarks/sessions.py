"""The session of Spark that benchmarks run in."""

import os
import sys
from pathlib import Path

from pyspark.sql import SparkSession

PROJECT = Path(__file__).resolve().parents[1]


def open_session() -> SparkSession:
    """Open a session as users have it, with a slot for each of two ranks."""
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    properties = PROJECT / "conf" / "spark" / "local.conf"
    arguments = f"--master local[2] --properties-file {properties} pyspark-shell"
    os.environ["PYSPARK_SUBMIT_ARGS"] = arguments
    return SparkSession.builder.appName("mmdin benchmarks").getOrCreate()
