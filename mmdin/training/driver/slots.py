"""A check that Spark has a task slot for every rank, all at once."""

import logging
import time

from pyspark.sql import SparkSession

from mmdin.errors import ClusterError

log = logging.getLogger(__name__)

_FORBIDDEN_SETTINGS = {
    "spark.dynamicAllocation.enabled": "executors would come and go during training",
    "spark.speculation": "a slow rank would be started a second time",
}


def wait_for_slots(spark: SparkSession, ranks: int, seconds: float) -> None:
    """Return when Spark can run `ranks` tasks at once.

    Executors register one after the other; in local mode there is nothing to wait for.

    Args:
        spark: session whose executors run the ranks.
        ranks: number of ranks.
        seconds: longest time to wait.

    Raises:
        ClusterError: there are too few slots after that time, or a setting of Spark would disturb
            the ranks.
    """
    _refuse_disturbing_settings(spark)
    if str(spark.sparkContext.master).startswith("local"):
        seconds = 0
    deadline, reported = time.monotonic() + seconds, False
    while (slots := count_slots(spark)) < ranks:
        if time.monotonic() >= deadline:
            raise ClusterError(_too_few(spark, ranks, slots, seconds))
        if not reported:
            log.info("train: waiting for executors: %d of %d task slots are there", slots, ranks)
            reported = True
        time.sleep(0.5)


def count_slots(spark: SparkSession) -> int:
    """Return how many tasks Spark's executors can run at once.

    That depends on their cores and, if tasks need GPUs, on their GPUs.
    """
    context = spark.sparkContext._jsc.sc()
    profile = context.resourceProfileManager().defaultResourceProfile()
    return int(context.maxNumConcurrentTasks(profile))


def _too_few(spark: SparkSession, ranks: int, slots: int, seconds: float) -> str:
    settings = spark.sparkContext.getConf()
    requested = ", ".join(
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
        f"its settings are {requested}. Give it more cores, executors or GPUs"
        + (f", or set training.ranks={slots}" if slots else "")
    )


def _refuse_disturbing_settings(spark: SparkSession) -> None:
    settings = spark.sparkContext.getConf()
    for key, reason in _FORBIDDEN_SETTINGS.items():
        if settings.get(key, "false") == "true":
            raise ClusterError(f"{key} is true, and {reason}: set it to false to train")
