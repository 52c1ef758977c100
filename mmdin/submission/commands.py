"""The spark-submit commands that run a job, on this machine or on a cluster."""

import os
import re
import secrets
import socket
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmdin.config import Config, Part
from mmdin.errors import ClusterError, ConfigurationError
from mmdin.installation import JOBS, PROJECT, PYTHON, find_spark_submit
from mmdin.storage import is_local, local_path
from mmdin.submission.cluster import Cluster, Kind

MASTERS: dict[Kind, str] = {"standalone": "spark://", "yarn": "yarn", "kubernetes": "k8s://"}
"""How the URLs of each kind of cluster begin."""

MULTI_PART_JOBS = ("pipeline", "experiment")
"""Jobs that run as one application per part, because training needs other resources."""

EVERYWHERE = (
    "spark.jars.packages",
    "spark.jars.excludes",
    "spark.sql.extensions",
    "spark.sql.catalog.spark_catalog",
    "spark.sql.session.timeZone",
    "spark.sql.debug.maxToStringFields",
    "spark.ui.showConsoleProgress",
)
"""Properties of conf/spark/local.conf that every cluster gets too."""

SPARK_SUBMIT = str(find_spark_submit())
IMAGE = "spark.kubernetes.container.image"
DRIVER_POD = "spark.kubernetes.driver.pod.name"
ARCHIVED_PYTHON = "./environment/bin/python3"


@dataclass(frozen=True)
class Job:
    """A job to submit.

    Attributes:
        name: Name of a file in spark_jobs/.
        conf: Path of the configuration.
        config: The configuration as read.
        overrides: Arguments of --set.
    """

    name: str
    conf: str
    config: Config
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Application:
    """One spark-submit.

    Attributes:
        label: What it does, for messages.
        command: The command.
        status_command: For a driver in a pod, the command that prints the pod's phase, because
            spark-submit's status does not show that a pod failed.
        driver_in_cluster: Whether the driver runs in the cluster, and not below the command.
    """

    label: str
    command: tuple[str, ...]
    status_command: tuple[str, ...] = ()
    driver_in_cluster: bool = False


def plan_local(job: Job, spark_options: Sequence[str]) -> Application:
    """Plan the one application that runs a job on this machine.

    Args:
        job: The job.
        spark_options: Options of spark-submit, as submit/environment.sh has them.
    """
    command = [SPARK_SUBMIT, *spark_options, _script(job), "--conf", job.conf]
    return Application(job.name, (*command, *_set(job.overrides)))


def plan_applications(
    kind: Kind, cluster: Cluster, job: Job, archive: str, driver_java_options: str = ""
) -> list[Application]:
    """Plan the applications that run a job: one per part of a pipeline or experiment, or one.

    Args:
        kind: Kind of the cluster.
        cluster: The cluster.
        job: The job.
        archive: Archive of the environment; not used if the nodes hold the project.
        driver_java_options: JVM options of a driver on this machine.

    Returns:
        The applications, in order.

    Raises:
        ClusterError: If the cluster cannot run the job.
        ConfigurationError: If the configuration does not fit the cluster.
    """
    _refuse_other_clusters(kind, cluster)
    if cluster.deploy_mode == "cluster":
        _refuse_passing_root(job.config)
    applications = []
    for part in _parts(job):
        training = _trains(job, part)
        if training:
            _refuse_too_many_ranks(cluster, job.config)
        properties = _properties(kind, cluster, training)
        if driver_java_options and cluster.deploy_mode == "client":
            properties.setdefault("spark.driver.extraJavaOptions", driver_java_options)
        if kind == "kubernetes" and cluster.deploy_mode == "cluster":
            properties[DRIVER_POD] = _name_pod(job.name, part)
        label = f"{job.name}, part {part}" if part else job.name
        command = _command(kind, cluster, job, part, properties, archive)
        applications.append(
            Application(
                label,
                tuple(command),
                _status_command(cluster, properties),
                driver_in_cluster=cluster.deploy_mode == "cluster",
            )
        )
    return applications


def require_hadoop_configuration(environment: Mapping[str, str]) -> None:
    """Make sure that Spark can find YARN and HDFS.

    Args:
        environment: Environment variables.

    Raises:
        ClusterError: If neither HADOOP_CONF_DIR nor YARN_CONF_DIR names a folder.
    """
    folder = environment.get("HADOOP_CONF_DIR") or environment.get("YARN_CONF_DIR")
    if not folder:
        raise ClusterError(
            "HADOOP_CONF_DIR is not set: set it to the folder of the cluster's core-site.xml and "
            "yarn-site.xml"
        )
    if not Path(folder).is_dir():
        raise ClusterError(f"HADOOP_CONF_DIR: {folder} is no folder")


def require_host_name(job: Job) -> None:
    """Make sure that ranks can start on this machine, if the job trains.

    Horovod looks its machine's name up when a rank starts, and crashes if there is no answer.

    Raises:
        ClusterError: If the name does not resolve.
    """
    if not any(_trains(job, part) for part in _parts(job)):
        return
    name = socket.gethostname()
    try:
        socket.getaddrinfo(name, None)
    except OSError:
        raise ClusterError(
            f"the name of this machine, {name}, does not resolve, and Horovod needs it: add "
            f'"127.0.0.1 {name}" to /etc/hosts'
        ) from None


def _refuse_other_clusters(kind: Kind, cluster: Cluster) -> None:
    if not cluster.master.startswith(MASTERS[kind]):
        raise ClusterError(
            f"master {cluster.master} is no {kind} cluster's: it must begin with {MASTERS[kind]}"
        )
    if kind == "standalone" and cluster.deploy_mode == "cluster":
        raise ClusterError(
            "deploy_mode: standalone clusters run Python applications in client mode only"
        )
    if kind == "kubernetes" and not cluster.project_dir:
        raise ClusterError(
            "project_dir: must name the folder of the project in the image (submit/Dockerfile has "
            "/opt/mmdin)"
        )
    if kind == "kubernetes" and not cluster.spark.get(IMAGE):
        raise ClusterError(
            "no image for the pods: build submit/Dockerfile, push it, and give --image NAME, or "
            f"{IMAGE} in the cluster's file"
        )


def _refuse_passing_root(config: Config) -> None:
    if is_local(config.root) and not Path(config.root).is_absolute():
        raise ConfigurationError(
            f"root: {config.root} would lie in the driver's container and be lost with it: give a "
            "folder that all nodes share, such as --set root=/shared/runs/demo"
        )


def _homes(config: Config) -> list[str]:
    """Overrides for folders in this user's home: on the driver's node, ~ can be another folder."""
    inputs = {key: getattr(config.input, key) for key in ("movielens", "posters", "tables")}
    folders = {"root": config.root, **{f"input.{key}": inputs[key] for key in inputs}}
    return [
        f"{key}={folder}"
        for key, folder in folders.items()
        if is_local(folder) and local_path(folder).is_relative_to(Path.home())
    ]


def _refuse_too_many_ranks(cluster: Cluster, config: Config) -> None:
    ranks, executors = config.training.ranks, cluster.training
    if ranks > executors.slots:
        raise ClusterError(
            f"training.ranks={ranks} needs {ranks} task slots at once, and the cluster's file has "
            f"{executors.slots} for training ({executors.executors} executors x "
            f"{executors.ranks_per_executor}): "
            f"give it more executors, or set training.ranks={executors.slots}"
        )


def _parts(job: Job) -> tuple[Part | None, ...]:
    if job.name not in MULTI_PART_JOBS:
        return (None,)
    return ("prepare", "train", "evaluate") if job.config.part == "all" else (job.config.part,)


def _trains(job: Job, part: Part | None) -> bool:
    return "train" in (job.name, part) or job.name == "benchmark"


def _properties(kind: Kind, cluster: Cluster, training: bool) -> dict[str, str]:
    """Spark properties of an application; those of the cluster's file override the defaults."""
    local = read_properties(PROJECT / "conf" / "spark" / "local.conf")
    properties = {name: local[name] for name in EVERYWHERE}
    properties |= _properties_of_kind(kind)
    if cluster.deploy_mode == "client":
        # Spark would put it into the current folder.
        properties["spark.sql.warehouse.dir"] = f"{tempfile.gettempdir()}/mmdin-warehouse"
    if training:
        properties["spark.scheduler.maxRegisteredResourcesWaitingTime"] = "600s"
    # Where many drivers run, more than Spark's 16 ports from 4040 on are taken.
    properties["spark.port.maxRetries"] = "200"
    # Names of files and printed text are UTF-8 on every node, whose own environment sets no locale.
    roles = {"yarn": "yarn.appMasterEnv", "kubernetes": "kubernetes.driverEnv"}
    for role in ("executorEnv", *([roles[kind]] if kind in roles else [])):
        properties[f"spark.{role}.LC_ALL"] = "C.UTF-8"
    properties |= {name: _text(value) for name, value in cluster.spark.items()}
    properties |= _resources(kind, cluster, training)
    properties |= _pythons(cluster)
    return properties


def _properties_of_kind(kind: Kind) -> dict[str, str]:
    if kind != "kubernetes":
        return {}
    templates = PROJECT / "conf" / "cluster" / "kubernetes"
    return {
        "spark.kubernetes.driver.podTemplateFile": f"{templates}/driver-pod.yaml",
        "spark.kubernetes.driver.podTemplateContainerName": "driver",
        "spark.kubernetes.executor.podTemplateFile": f"{templates}/executor-pod.yaml",
        "spark.kubernetes.executor.podTemplateContainerName": "executor",
    }


def _resources(kind: Kind, cluster: Cluster, training: bool) -> dict[str, str]:
    executors = cluster.training if training else cluster.etl
    properties = {
        "spark.driver.memory": cluster.driver.memory,
        "spark.driver.cores": str(cluster.driver.cores),
        "spark.executor.cores": str(executors.cores),
        "spark.executor.memory": executors.memory,
    }
    if executors.memory_overhead:
        properties["spark.executor.memoryOverhead"] = executors.memory_overhead
    if kind == "standalone":
        # The master starts executors until an application has this number of cores.
        properties["spark.cores.max"] = str(executors.executors * executors.cores)
    else:
        properties["spark.executor.instances"] = str(executors.executors)
    return properties | (_training_resources(kind, cluster) if training else {})


def _training_resources(kind: Kind, cluster: Cluster) -> dict[str, str]:
    """Properties that run all ranks at once, each in one task from the first step to the last."""
    properties = {
        "spark.task.cpus": str(cluster.training.cores_per_task),
        "spark.dynamicAllocation.enabled": "false",
        "spark.speculation": "false",
        "spark.scheduler.minRegisteredResourcesRatio": "1.0",
    }
    if cluster.training.gpus:
        properties["spark.executor.resource.gpu.amount"] = str(cluster.training.gpus)
        properties["spark.task.resource.gpu.amount"] = "1"
        properties["spark.executor.resource.gpu.discoveryScript"] = _discovery_script(kind, cluster)
    if cluster.training.gpus and kind == "kubernetes":
        properties["spark.executor.resource.gpu.vendor"] = "nvidia.com"
    return properties


def _discovery_script(kind: Kind, cluster: Cluster) -> str:
    """Path of the script on an executor; on YARN the script is sent with the job."""
    if cluster.project_dir:
        return f"{cluster.project_dir}/submit/gpu_discovery.sh"
    return "./gpu_discovery.sh" if kind == "yarn" else str(PROJECT / "submit" / "gpu_discovery.sh")


def _pythons(cluster: Cluster) -> dict[str, str]:
    nodes = f"{cluster.project_dir}/.venv/bin/python" if cluster.project_dir else ARCHIVED_PYTHON
    driver = PYTHON if cluster.deploy_mode == "client" else nodes
    return {"spark.pyspark.python": nodes, "spark.pyspark.driver.python": driver}


def _name_pod(job: str, part: Part | None) -> str:
    name = "-".join(["mmdin", job, *([part] if part else []), secrets.token_hex(4)])
    return name.replace("_", "-")


def _status_command(cluster: Cluster, properties: Mapping[str, str]) -> tuple[str, ...]:
    if DRIVER_POD not in properties:
        return ()
    pod = f"{properties.get('spark.kubernetes.namespace', 'default')}:{properties[DRIVER_POD]}"
    return (SPARK_SUBMIT, "--master", cluster.master, "--status", pod)


def _command(
    kind: Kind,
    cluster: Cluster,
    job: Job,
    part: Part | None,
    properties: Mapping[str, str],
    archive: str,
) -> list[str]:
    script, conf, files = _files_of_job(cluster, job)
    if kind == "yarn" and "./gpu_discovery.sh" in properties.values():
        files.append(str(PROJECT / "submit" / "gpu_discovery.sh"))
    homes = _homes(job.config) if cluster.deploy_mode == "cluster" else []
    overrides = [*job.overrides, *homes, *([f"part={part}"] if part else [])]
    command = [SPARK_SUBMIT, "--master", cluster.master, "--deploy-mode", cluster.deploy_mode]
    command += [] if cluster.project_dir else ["--archives", f"{archive}#environment"]
    command += ["--files", ",".join(files)] if files else []
    for name, value in properties.items():
        command += ["--conf", f"{name}={value}"]
    return [*command, script, "--conf", conf, *_set(overrides)]


def _set(overrides: Sequence[str]) -> list[str]:
    return ["--set", *overrides] if overrides else []


def _script(job: Job) -> str:
    """The job's file; as a URL if Spark, which takes it for one, would read another path."""
    script = JOBS / f"{job.name}.py"
    return str(script) if re.fullmatch(r"[\w/.-]+", str(script), re.ASCII) else script.as_uri()


def _files_of_job(cluster: Cluster, job: Job) -> tuple[str, str, list[str]]:
    """Paths of the job and of its configuration as the driver sees them, and files to send it."""
    script = _script(job)
    if cluster.deploy_mode == "client":
        return script, job.conf, []
    if not cluster.project_dir:
        return script, Path(job.conf).name, [job.conf]
    conf = Path(job.conf).resolve()
    if conf.is_relative_to(PROJECT):
        conf = Path(cluster.project_dir) / conf.relative_to(PROJECT)
    return f"local://{cluster.project_dir}/spark_jobs/{job.name}.py", str(conf), []


def read_properties(path: Path) -> dict[str, str]:
    """Read Spark properties from a file such as conf/spark/local.conf."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    return dict(line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def require_archive(path: str) -> None:
    """Make sure that the archive of the environment exists, if it is a local path.

    Raises:
        ClusterError: If it does not.
    """
    is_url = re.match(r"[a-z][a-z0-9]*:", path)
    if not is_url and not os.access(path, os.R_OK):
        raise ClusterError(
            f"{path}: there is no archive of the environment; submit/package_env.sh makes it"
        )
