"""What a file of conf/cluster/ says: a cluster, and what jobs take of it."""

import typing
from collections.abc import Mapping
from typing import Literal

import pydantic
from pydantic import Field

from mmdin.config import PositiveInt, Section, read_section

Kind = Literal["standalone", "yarn", "kubernetes"]
KINDS: tuple[Kind, ...] = typing.get_args(Kind)

Memory = typing.Annotated[str, Field(pattern=r"^[1-9][0-9]*[mgt]$")]

SET_BY = {
    "spark.master": "master",
    "spark.submit.deployMode": "deploy_mode",
    "spark.driver.memory": "driver.memory",
    "spark.driver.cores": "driver.cores",
    "spark.executor.instances": "etl.executors and training.executors",
    "spark.cores.max": "etl.executors and training.executors",
    "spark.executor.cores": "etl.cores and training.cores",
    "spark.executor.memory": "etl.memory and training.memory",
    "spark.executor.memoryOverhead": "etl.memory_overhead and training.memory_overhead",
    "spark.task.cpus": "training.tasks_per_executor",
}
"""Spark's properties that keys of the file stand for."""


class Driver(Section):
    """What the driver takes."""

    memory: Memory = "4g"
    """Heap of its JVM."""
    cores: PositiveInt = 1
    """Cores, where the cluster runs the driver."""


class Executors(Section):
    """What a job's executors take; each runs a task per core."""

    executors: PositiveInt
    """How many; to begin with, under dynamic allocation."""
    cores: PositiveInt
    """Cores of each."""
    memory: Memory
    """Heap of each one's JVM."""
    memory_overhead: Memory | None = None
    """Memory of each beside the heap, where Python with Arrow and TensorFlow lives; null leaves it
    to Spark: a tenth of the heap, on Kubernetes four tenths."""


class TrainingExecutors(Executors):
    """What training's executors take; each task is a Horovod rank."""

    gpus: int = Field(0, ge=0)
    """GPUs of each executor; each rank then has one GPU."""
    tasks_per_executor: PositiveInt = 1
    """Ranks on each executor without GPUs."""

    @property
    def ranks_per_executor(self) -> int:
        """Ranks that run at once on one executor."""
        return self.gpus or self.tasks_per_executor

    @property
    def slots(self) -> int:
        """Ranks that run at once on all of them."""
        return self.executors * self.ranks_per_executor

    @property
    def cores_per_task(self) -> int:
        """Cores of each rank."""
        return self.cores // self.ranks_per_executor

    @pydantic.model_validator(mode="after")
    def _a_core_for_every_rank(self) -> "TrainingExecutors":
        if self.cores < self.ranks_per_executor:
            what = "gpus" if self.gpus else "tasks_per_executor"
            raise ValueError(
                f"cores ({self.cores}) must be at least {what} ({self.ranks_per_executor}), "
                "a core for every rank"
            )
        return self


class Cluster(Section):
    """A cluster."""

    master: str = Field(min_length=1)
    """Spark's URL of it: spark://HOST:7077, yarn or k8s://https://HOST:PORT."""
    deploy_mode: Literal["client", "cluster"] = "client"
    """Where the driver runs: in the launcher's own terminal, or in the cluster."""
    installed: str = Field("", pattern=r"^(/.*[^/])?$")
    """Folder of the project with its .venv on every node, such as in an image; empty sends nodes
    the archive of submit/package_env.sh."""
    driver: Driver = Driver()
    etl: Executors
    """For jobs that do not train."""
    training: TrainingExecutors
    """For training."""
    spark: Mapping[str, bool | int | float | str] = {}
    """Further properties of Spark. Those that training rests on, such as no dynamic allocation,
    stay as they are for training."""

    @pydantic.field_validator("spark")
    @classmethod
    def _properties_of_spark_once(cls, given: Mapping[str, object]) -> Mapping[str, object]:
        for name in given:
            if not name.startswith("spark."):
                raise ValueError(f"{name} is no property of Spark, whose names begin with spark.")
            if name in SET_BY:
                raise ValueError(f"{name} is what {SET_BY[name]} stands for: set that")
        return given


def read_cluster(path: str) -> Cluster:
    """Read a cluster's file. Raises ConfigurationError naming a key that is wrong."""
    return read_section(path, Cluster)
