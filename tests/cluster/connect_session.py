"""Uses a trained network in a session of Spark Connect, and prints what that session cannot do.

Run by test_connect.py as a process: a process has sessions of one kind.
"""

import json
import sys
from collections.abc import Callable

import pytest
from pyspark.sql import SparkSession

from mmdin import Pipeline, load_config
from mmdin.errors import ClusterError
from mmdin.recommendation import als, choosing

RECOMMEND = [
    *("recommend.top=4", "recommend.candidates=12", "recommend.users=[3,5,8]"),
    "recommend.network_weight=0.3",
]


ONE_PARTITION = ("spark.sql.shuffle.partitions", "1")
"""Each Python worker imports TensorFlow for itself, and few rows need one."""


def recommend(pipeline: Pipeline) -> None:
    """Recommend, with fewer iterations and settings of ALS than usual."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(als, "_ITERATIONS", 2)
        patch.setattr(choosing, "SETTINGS", choosing.SETTINGS[:1])
        pipeline.recommend()


def main(server: str, configuration: str, root: str, pairs: str) -> None:
    """Use the network of the root, and try to train and to evaluate."""
    spark = SparkSession.builder.remote(server).config(*ONE_PARTITION).getOrCreate()
    pipeline = Pipeline(spark, load_config(configuration, [f"root={root}", *RECOMMEND]))
    pipeline.predict(pairs)
    recommend(pipeline)
    refused = [refusal(lambda: pipeline.job("train")), refusal(pipeline.evaluate)]
    spark.stop()
    print(json.dumps(refused))


def refusal(refused: Callable[[], None]) -> str:
    with pytest.raises(ClusterError) as error:
        refused()
    return str(error.value)


if __name__ == "__main__":
    main(*sys.argv[1:])
