"""The spark-submit commands of each launcher, seen by --dry-run."""

import re
import shlex
import zipfile
from pathlib import Path

import pyspark
import pytest
import yaml
from submitting import PROJECT, dry_run, launch, option, properties

from mmdin.submission.cluster import KINDS
from mmdin.submission.commands import read_properties

# Documented properties whose names Spark puts together when it runs, or does not declare.
COMPOSED = re.compile(
    r"spark\.(executor\.resource\.\w+\.(amount|discoveryScript|vendor)|task\.resource\.\w+\.amount"
    r"|port\.maxRetries|executorEnv\.\w+|yarn\.appMasterEnv\.\w+|kubernetes\.driverEnv\.\w+"
    r"|sql\.catalog\.\w+|databricks\.delta\.(snapshotPartitions|allFilesInCrc\.enabled)"
    r"|kubernetes\.authenticate\.driver\.serviceAccountName)"
)
DECLARATIONS = re.compile(
    r"internal/config/|deploy/(k8s/Config|yarn/config)|/(Static)?SQLConf|/SqlApiConf"
)


@pytest.fixture(scope="module")
def known() -> set[str]:
    """Names of the properties that Spark's own classes declare."""
    names: set[str] = set()
    for jar in (Path(pyspark.__file__).parent / "jars").glob("spark-*.jar"):
        with zipfile.ZipFile(jar) as classes:
            for name in filter(DECLARATIONS.search, classes.namelist()):
                names |= set(re.findall(rb"spark\.[\w.]+", classes.read(name)))
    return {name.decode() for name in names}


@pytest.fixture
def with_gpus(tmp_path: Path, kind: str) -> str:
    """The project's file of a cluster, with two GPUs in each executor that trains."""
    cluster = yaml.safe_load((PROJECT / "conf/cluster" / f"{kind}.yaml").read_text())
    cluster["training"].pop("tasks_per_executor", None)
    cluster["training"] |= {"gpus": 2, "cores": 8}
    path = tmp_path / "gpus.yaml"
    path.write_text(yaml.safe_dump(cluster))
    return str(path)


@pytest.mark.parametrize("kind", KINDS)
def test_spark_knows_every_property(kind: str, with_gpus: str, known: set[str]) -> None:
    assert len(known) > 1000
    for command in [*dry_run(kind, "pipeline"), *dry_run(kind, "train", "--cluster", with_gpus)]:
        names = properties(command).keys()
        assert not {n for n in names if n not in known and not COMPOSED.fullmatch(n)}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("job", ["pipeline", "experiment"])
def test_a_pipeline_is_three_applications_and_training_has_its_own_resources(
    kind: str, job: str
) -> None:
    commands = dry_run(kind, job)
    assert [c[-1] for c in commands] == ["part=prepare", "part=train", "part=evaluate"]
    prepare, train, evaluate = [properties(c) for c in commands]
    assert "spark.task.cpus" not in prepare.keys() | evaluate.keys()
    assert train["spark.task.cpus"] == {"standalone": "2"}.get(kind, "4")
    assert train["spark.dynamicAllocation.enabled"] == train["spark.speculation"] == "false"
    assert train["spark.scheduler.minRegisteredResourcesRatio"] == "1.0"


@pytest.mark.parametrize("kind", KINDS)
def test_one_part_is_one_application(kind: str) -> None:
    (command,) = dry_run(kind, "pipeline", "--set", "part=train")
    assert command[-1] == "part=train"
    assert "spark.task.cpus" in properties(command)


@pytest.mark.parametrize("kind", KINDS)
def test_other_jobs_are_one_application(kind: str) -> None:
    (train,) = dry_run(kind, "train", "--resume", "abc", "--set", "training.ranks=1")
    (score,) = dry_run(kind, "score")
    assert "spark.task.cpus" in properties(train)
    assert "spark.task.cpus" not in properties(score)
    assert {"training.ranks=1", "training.resume=abc"} <= set(train)
    assert not [word for word in [*train, *score] if word.startswith("part=")]


@pytest.mark.parametrize("kind", KINDS)
def test_each_rank_has_a_gpu(kind: str, with_gpus: str) -> None:
    (command,) = dry_run(kind, "train", "--cluster", with_gpus)
    given = properties(command)
    assert given["spark.executor.resource.gpu.amount"] == "2"
    assert given["spark.task.resource.gpu.amount"] == "1"
    assert given["spark.task.cpus"] == "4"
    script = given["spark.executor.resource.gpu.discoveryScript"]
    assert script == {
        "standalone": f"{PROJECT}/submit/gpu_discovery.sh",
        "yarn": "./gpu_discovery.sh",
        "kubernetes": "/opt/mmdin/submit/gpu_discovery.sh",
    }.get(kind)
    assert (option(command, "--files") is not None) == (kind == "yarn")
    assert given.get("spark.executor.resource.gpu.vendor") == (
        "nvidia.com" if kind == "kubernetes" else None
    )


@pytest.mark.parametrize("kind", KINDS)
def test_delta_is_the_one_of_local_mode(kind: str) -> None:
    local = read_properties(PROJECT / "conf/spark/local.conf")
    (command,) = dry_run(kind, "score")
    same = ("jars.packages", "jars.excludes", "sql.extensions", "sql.catalog.spark_catalog")
    for name in (f"spark.{name}" for name in same):
        assert properties(command)[name] == local[name]


@pytest.mark.parametrize("kind", ["standalone", "yarn"])
def test_executors_run_the_archive_and_the_driver_its_own_python(kind: str) -> None:
    (command,) = dry_run(kind, "score", "--environment", "hdfs:///shared/environment.tar.gz")
    assert option(command, "--archives") == "hdfs:///shared/environment.tar.gz#environment"
    given = properties(command)
    assert given["spark.pyspark.python"] == "./environment/bin/python3"
    assert given["spark.pyspark.driver.python"] == str(PROJECT / ".venv/bin/python")
    assert "log4j2.properties" in given["spark.driver.extraJavaOptions"]


def test_an_image_holds_the_job_its_configuration_and_both_pythons() -> None:
    (command,) = dry_run("kubernetes", "score")
    job = command.index("local:///opt/mmdin/spark_jobs/score.py")
    assert command[job + 1 :] == [
        "--conf",
        "/opt/mmdin/conf/demo.yaml",
        "--set",
        "root=/shared/run",
    ]
    assert option(command, "--archives") is None
    given = properties(command)
    python = "/opt/mmdin/.venv/bin/python"
    assert given["spark.pyspark.python"] == given["spark.pyspark.driver.python"] == python
    assert given["spark.kubernetes.container.image"] == "somewhere/mmdin"
    for role in ("driver", "executor"):
        template = yaml.safe_load(
            Path(given[f"spark.kubernetes.{role}.podTemplateFile"]).read_text()
        )
        name = given[f"spark.kubernetes.{role}.podTemplateContainerName"]
        assert [c["name"] for c in template["spec"]["containers"]] == [name]


def test_yarns_containers_are_sent_the_configuration(tmp_path: Path) -> None:
    cluster = yaml.safe_load((PROJECT / "conf/cluster/yarn.yaml").read_text())
    path = tmp_path / "cluster.yaml"
    path.write_text(yaml.safe_dump(cluster | {"deploy_mode": "cluster"}))
    (command,) = dry_run("yarn", "score", "--cluster", str(path), "--set", "root=hdfs:///runs/demo")
    assert option(command, "--files") == "conf/demo.yaml"
    job = command.index(str(PROJECT / "spark_jobs/score.py"))
    assert command[job + 1 : job + 3] == ["--conf", "demo.yaml"]
    given = properties(command)
    assert given["spark.pyspark.driver.python"] == "./environment/bin/python3"
    assert "spark.driver.extraJavaOptions" not in given


def test_the_home_folder_is_that_of_the_user_who_submits() -> None:
    given = ("--set", "root=~/run", "input.movielens=~/ml 1", "input.tables=/shared/run")
    home = {"HOME": "/home/me"}
    launched = launch(
        "kubernetes.sh", "score", "--dry-run", "--conf", "conf/demo.yaml", "--image", "x", *given,
        environment=home,
    )  # fmt: skip
    (command,) = [shlex.split(line) for line in launched.stdout.splitlines()]
    last = dict(word.split("=", 1) for word in command[command.index("--set") + 1 :])
    assert last == {
        "root": "/home/me/run",
        "input.movielens": "/home/me/ml 1",
        "input.tables": "/shared/run",
    }


def test_the_files_own_properties_go_through_but_not_against_training(tmp_path: Path) -> None:
    cluster = yaml.safe_load((PROJECT / "conf/cluster/standalone.yaml").read_text())
    cluster["spark"] = {"spark.dynamicAllocation.enabled": True, "spark.locality.wait": "0s"}
    path = tmp_path / "cluster.yaml"
    path.write_text(yaml.safe_dump(cluster))
    prepare, train, _ = [
        properties(c)
        for c in dry_run(
            "standalone", "pipeline", "--cluster", str(path), "--master", "spark://x:1"
        )
    ]
    assert prepare["spark.dynamicAllocation.enabled"] == "true"
    assert train["spark.dynamicAllocation.enabled"] == "false"
    assert prepare["spark.locality.wait"] == train["spark.locality.wait"] == "0s"


@pytest.mark.parametrize("kind", KINDS)
def test_every_node_has_a_utf_8_locale(kind: str) -> None:
    (command,) = dry_run(kind, "score")
    locales = {n: v for n, v in properties(command).items() if n.endswith(".LC_ALL")}
    roles = {"yarn": {"yarn.appMasterEnv"}, "kubernetes": {"kubernetes.driverEnv"}}
    names = {f"spark.{role}.LC_ALL" for role in {"executorEnv"} | roles.get(kind, set())}
    assert locales == dict.fromkeys(names, "C.UTF-8")


@pytest.mark.parametrize("kind", KINDS)
def test_many_drivers_can_run_on_one_machine(kind: str) -> None:
    (command,) = dry_run(kind, "score")
    assert properties(command)["spark.port.maxRetries"] == "200"
