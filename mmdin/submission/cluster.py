"""The files of conf/cluster/: a cluster, and what jobs request from it."""

import typing
from collections.abc import Mapping
from typing import Literal

import pydantic
from pydantic import Field

from mmdin.config import PositiveInt, Section, read_section

Kind = Literal["standalone", "yarn", "kubernetes"]
KINDS: tuple[Kind, ...] = typing.get_args(Kind)

Memory = typing.Annotated[str, Field(pattern=r"^[1-9][0-9]{0,5}[mgt]$")]

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
"""Spark properties, and the keys of the file that set them."""


class Driver(Section):
    """What the driver requests."""

    memory: Memory = "4g"
    """Heap of the driver's JVM."""
    cores: PositiveInt = 1
    """Cores, if the cluster runs the driver."""


class Executors(Section):
    """What a job's executors request; each runs one task per core."""

    executors: PositiveInt
    """Number of executors; under dynamic allocation, at the start."""
    cores: PositiveInt
    """Cores of each executor."""
    memory: Memory
    """Heap of each executor's JVM."""
    memory_overhead: Memory | None = None
    """Memory of each executor outside the heap, for Python, Arrow and TensorFlow. null leaves it to
    Spark: a tenth of the heap, on Kubernetes four tenths."""


class TrainingExecutors(Executors):
    """What training's executors request; each task is a Horovod rank."""

    gpus: int = Field(0, ge=0, le=1000)
    """GPUs of each executor; each rank then has one."""
    tasks_per_executor: PositiveInt = 1
    """Ranks on each executor, if it has no GPUs."""

    @property
    def ranks_per_executor(self) -> int:
        """Ranks that run at once on one executor."""
        return self.gpus or self.tasks_per_executor

    @property
    def slots(self) -> int:
        """Ranks that run at once on all executors."""
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
    """Spark's URL of the cluster: spark://HOST:7077, yarn or k8s://https://HOST:PORT."""
    deploy_mode: Literal["client", "cluster"] = "client"
    """Where the driver runs: in the launcher's terminal (client), or in the cluster."""
    project_dir: str = Field("", pattern=r"^(/.*[^/])?$")
    """Folder of the project and its .venv on every node, such as in an image. Empty sends nodes the
    archive of submit/package_env.sh."""
    driver: Driver = Driver()
    etl: Executors
    """For jobs that do not train."""
    training: TrainingExecutors
    """For training."""
    spark: Mapping[str, bool | int | float | str] = {}
    """Further Spark properties. They do not override those that training needs, such as no dynamic
    allocation."""

    @pydantic.field_validator("spark")
    @classmethod
    def _properties_of_spark_once(cls, given: Mapping[str, object]) -> Mapping[str, object]:
        for name in given:
            if not name.startswith("spark."):
                raise ValueError(f"{name} is not a Spark property: their names begin with spark.")
            if name in SET_BY:
                raise ValueError(f"{name} is set by {SET_BY[name]}: set that")
        return given


def read_cluster(path: str) -> Cluster:
    """Read a cluster's file.

    Raises:
        ConfigurationError: If a key is wrong; the message names it.
    """
    return read_section(path, Cluster)
