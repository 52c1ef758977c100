"""Whether Spark has a task slot for every rank, all at once."""

import logging
import time

from pyspark.sql import SparkSession

from mmdin.errors import ClusterError

log = logging.getLogger(__name__)

_NOT_WHILE_TRAINING = {
    "spark.dynamicAllocation.enabled": "executors would come and go under the ranks",
    "spark.speculation": "a slow rank would be started a second time",
}


def wait_for_slots(spark: SparkSession, ranks: int, seconds: float) -> None:
    """Return once Spark can run `ranks` tasks at once.

    Executors register one after the other; in local mode there is nothing to wait for.

    Raises ClusterError where there are too few slots after so many seconds, and where Spark's own
    settings would disturb ranks.
    """
    _refuse_disturbing_settings(spark)
    if str(spark.sparkContext.master).startswith("local"):
        seconds = 0
    deadline, told = time.monotonic() + seconds, False
    while (slots := count_slots(spark)) < ranks:
        if time.monotonic() >= deadline:
            raise ClusterError(_too_few(spark, ranks, slots, seconds))
        if not told:
            log.info("train: %d of %d task slots are there: waiting for executors", slots, ranks)
            told = True
        time.sleep(0.5)


def count_slots(spark: SparkSession) -> int:
    """Tasks that Spark's executors can run at once, by their cores and, where asked for, GPUs."""
    context = spark.sparkContext._jsc.sc()
    profile = context.resourceProfileManager().defaultResourceProfile()
    return int(context.maxNumConcurrentTasks(profile))


def _too_few(spark: SparkSession, ranks: int, slots: int, seconds: float) -> str:
    settings = spark.sparkContext.getConf()
    asked = ", ".join(
        f"{key}={settings.get(key)}"
        for key in (
            "spark.master",
            "spark.executor.instances",
            "spark.executor.cores",
            "spark.task.cpus",
            "spark.executor.resource.gpu.amount",
            "spark.task.resource.gpu.amount",
        )
        if settings.contains(key)
    )
    waited = f" after {seconds:.0f} s (training.start_timeout)" if seconds else ""
    return (
        f"training.ranks={ranks} needs {ranks} task slots at once, and Spark has {slots}{waited}; "
        f"asked for was {asked}. Give it more cores, executors or GPUs"
        + (f", or set training.ranks={slots}" if slots else "")
    )


def _refuse_disturbing_settings(spark: SparkSession) -> None:
    settings = spark.sparkContext.getConf()
    for key, why in _NOT_WHILE_TRAINING.items():
        if settings.get(key, "false") == "true":
            raise ClusterError(f"{key} is true, and {why}: set it to false to train")
