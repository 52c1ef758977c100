"""Uses a trained network in a session of Spark Connect, and prints what that session cannot do.

Run by test_connect.py as a process: a process has sessions of one kind.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "tests"))

from properties import FEW_ROWS  # noqa: E402

from mmdin import Pipeline, load_config  # noqa: E402
from mmdin.errors import ClusterError  # noqa: E402
from mmdin.recommendation import als, choosing  # noqa: E402
from mmdin.submission.commands import read_properties  # noqa: E402


def use_network(pipeline: Pipeline, pairs: str) -> None:
    """Predict, recommend and evaluate; with fewer iterations and settings of ALS than usual."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(als, "_ITERATIONS", 2)
        patch.setattr(choosing, "SETTINGS", choosing.SETTINGS[:1])
        pipeline.predict(pairs)
        pipeline.recommend()
    pipeline.job("evaluate")


def main(configuration: str, root: str, pairs: str) -> None:
    """Use the network of the root, build its samples again, and try to train and to evaluate."""
    spark = connect()
    pipeline = Pipeline(spark, load_config(configuration, [f"root={root}"]))
    use_network(pipeline, pairs)
    pipeline.job("build_samples")
    refused = [refusal(lambda: pipeline.job("train")), refusal(pipeline.evaluate)]
    spark.stop()
    print(json.dumps(refused))


def connect() -> SparkSession:
    builder = SparkSession.builder.remote("local[2]")
    properties = read_properties(PROJECT / "conf" / "spark" / "local.conf") | FEW_ROWS
    for name, value in properties.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def refusal(refused: Callable[[], None]) -> str:
    with pytest.raises(ClusterError) as error:
        refused()
    return str(error.value)


if __name__ == "__main__":
    main(*sys.argv[1:])
