"""Slots for all ranks at once, before anything is started."""

import pytest
from pyspark.sql import SparkSession

from mmdin.errors import ClusterError
from mmdin.training.driver.slots import count_slots, wait_for_slots


def test_as_many_slots_as_cores(spark: SparkSession) -> None:
    assert count_slots(spark) == 2
    wait_for_slots(spark, 2, seconds=60)


def test_too_few_slots_are_an_error_at_once_in_local_mode(spark: SparkSession) -> None:
    message = (
        r"training.ranks=7 needs 7 task slots at once, and Spark has 2; .*spark.master=local\[2\]"
    )
    with pytest.raises(ClusterError, match=message):
        wait_for_slots(spark, 7, seconds=60)


@pytest.mark.parametrize("key", ["spark.dynamicAllocation.enabled", "spark.speculation"])
def test_what_disturbs_ranks_is_refused(spark: SparkSession, key: str) -> None:
    settings = spark.sparkContext._conf
    settings.set(key, "true")
    try:
        with pytest.raises(ClusterError, match=f"{key} is true.*set it to false to train"):
            wait_for_slots(spark, 2, seconds=60)
    finally:
        settings.set(key, "false")
