"""conf/cluster/: what it may say, and what Kubernetes' pods are made from."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from submitting import PROJECT

from mmdin.errors import ConfigurationError
from mmdin.submission.cluster import KINDS, read_cluster

FILES = PROJECT / "conf" / "cluster"
SMALL: dict[str, Any] = {
    "master": "spark://here:7077",
    "etl": {"executors": 1, "cores": 2, "memory": "1g"},
    "training": {"executors": 2, "cores": 4, "memory": "1g"},
}


def read(folder: Path, **changes: Any) -> Any:
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(SMALL | changes))
    return read_cluster(str(path))


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_the_project_are_valid_and_headed_by_what_they_need(kind: str) -> None:
    read_cluster(str(FILES / f"{kind}.yaml"))
    head = (FILES / f"{kind}.yaml").read_text().split("\nmaster:")[0]
    assert f"submit/{kind}.sh pipeline --conf" in head
    assert "# Needs:" in head


@pytest.mark.parametrize(
    ("training", "ranks", "cores_per_task"),
    [({}, 2, 4), ({"tasks_per_executor": 3}, 6, 1), ({"gpus": 4}, 8, 1), ({"gpus": 1}, 2, 4)],
)
def test_a_rank_has_its_share_of_an_executor(
    tmp_path: Path, training: dict[str, int], ranks: int, cores_per_task: int
) -> None:
    own = read(tmp_path, training=SMALL["training"] | training).training
    assert (own.slots, own.cores_per_task) == (ranks, cores_per_task)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"masters": 1}, "small.yaml: unknown key masters; did you mean master?"),
        ({"etl": SMALL["etl"] | {"core": 1}}, "unknown key etl.core; did you mean etl.cores?"),
        ({"etl": SMALL["etl"] | {"memory": "6 GB"}}, "etl.memory: String should match"),
        ({"training": SMALL["training"] | {"gpus": 8}}, "cores (4) must be at least gpus (8)"),
        (
            {"training": SMALL["training"] | {"tasks_per_executor": 5}},
            "cores (4) must be at least tasks_per_executor (5)",
        ),
        ({"spark": {"sparc.x": 1}}, "sparc.x is not a Spark property"),
        ({"spark": {"spark.executor.memory": "1g"}}, "is set by etl.memory and training.memory"),
        ({"deploy_mode": "clutser"}, "'client' or 'cluster', got 'clutser'"),
        ({"project_dir": "opt/mmdin"}, "project_dir"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError) as error:
        read(tmp_path, **changes)
    assert said in str(error.value)


@pytest.mark.parametrize("role", ["driver", "executor"])
def test_pod_templates_say_only_what_spark_leaves_to_them(role: str) -> None:
    pod = yaml.safe_load((FILES / "kubernetes" / f"{role}-pod.yaml").read_text())
    assert (pod["apiVersion"], pod["kind"]) == ("v1", "Pod")
    # What Spark overwrites, by its manual's section on pod templates.
    assert not pod.keys() - {"apiVersion", "kind", "spec"}
    assert not pod["spec"].keys() & {
        "imagePullSecrets",
        "nodeSelector",
        "restartPolicy",
        "serviceAccount",
        "serviceAccountName",
    }
    (container,) = pod["spec"]["containers"]
    assert container["name"] == role
    assert not container.keys() & {"image", "imagePullPolicy", "resources", "args", "command"}
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["spec"]["volumes"]}
