"""What launchers refuse before anything is submitted, and when they stop."""

import shlex
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from submitting import ARGUMENTS, PROJECT, launch

from mmdin.submission import __main__ as submission
from mmdin.submission.cluster import KINDS
from mmdin.submission.commands import Application


@pytest.fixture
def wrong_cluster(tmp_path: Path) -> str:
    cluster = yaml.safe_load((PROJECT / "conf/cluster/standalone.yaml").read_text())
    cluster["training"]["executers"] = 3
    path = tmp_path / "wrong.yaml"
    path.write_text(yaml.safe_dump(cluster))
    return str(path)


@pytest.mark.parametrize("launcher", ["local", *KINDS])
def test_help_names_the_jobs(launcher: str) -> None:
    helped = launch(f"{launcher}.sh", "--help")
    assert helped.returncode == 0
    assert f"usage: submit/{launcher}.sh JOB" in helped.stdout
    assert "ingest_ratings" in helped.stdout


@pytest.mark.parametrize("launcher", ["local", *KINDS])
def test_a_wrong_job_has_its_nearest_named(launcher: str) -> None:
    wrong = launch(f"{launcher}.sh", "trian", "--conf", "conf/demo.yaml")
    assert wrong.returncode == 2
    assert f"{launcher}.sh: there is no job trian; did you mean train?" in wrong.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_without_configuration_is_told_how_to_give_one(kind: str) -> None:
    wrong = launch(f"{kind}.sh", "score")
    assert wrong.returncode == 2
    assert f"usage: submit/{kind}.sh JOB --conf FILE" in wrong.stderr
    assert "--conf" in wrong.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("kind", "arguments", "said"),
    [
        ("standalone", ("--environment", "no/such.tar.gz"), "no/such.tar.gz: there is no archive"),
        ("standalone", ("--set", "training.rank=1"), "did you mean training.ranks?"),
        ("standalone", ("--set", "training.ranks=8"), "needs 8 task slots at once"),
        ("standalone", ("--master", "yarn"), "master yarn is no standalone cluster's"),
        ("standalone", ("--cluster", "nowhere.yaml"), "nowhere.yaml: cannot be read"),
        ("yarn", (), "HADOOP_CONF_DIR is not set"),
        ("kubernetes", ("--set", "root=/shared/x"), "no image for the pods"),
        ("kubernetes", ("--image", "x"), "build/demo would lie in the driver's container"),
    ],
)
def test_mistakes_end_with_one_message_and_status_2(
    kind: str, arguments: tuple[str, ...], said: str
) -> None:
    ended = launch(f"{kind}.sh", "pipeline", "--conf", "conf/demo.yaml", *arguments)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert not ended.stdout


def test_an_unknown_key_of_a_cluster_is_named_with_its_file(wrong_cluster: str) -> None:
    ended = launch("standalone.sh", "score", "--conf", "conf/demo.yaml", "--cluster", wrong_cluster)
    assert ended.returncode == 2
    assert (
        f"{wrong_cluster}: unknown key training.executers; did you mean training.executors?"
        in ended.stderr
    )


def test_a_hadoop_configuration_that_is_no_folder_is_named() -> None:
    ended = launch(
        "yarn.sh", "score", "--conf", "conf/demo.yaml", environment={"HADOOP_CONF_DIR": "/no/such"}
    )
    assert ended.returncode == 2
    assert "/no/such is no folder" in ended.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_a_dry_run_needs_neither_the_archive_nor_a_cluster(kind: str) -> None:
    arguments = ("--conf", "conf/demo.yaml", *ARGUMENTS[kind])
    shown = launch(f"{kind}.sh", "score", *arguments, "--environment", "no such", "--dry-run")
    assert shown.returncode == 0
    (line,) = shown.stdout.splitlines()
    assert Path(shlex.split(line)[0]).name == "spark-submit"


def applications(*scripts: str, status_command: Sequence[str] = ()) -> list[Application]:
    return [
        Application(f"part {n}", ("bash", "-c", script), tuple(status_command))
        for n, script in enumerate(scripts)
    ]


def test_the_first_application_that_fails_is_the_last(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    mark = tmp_path / "ran"
    status = submission.run_applications(applications("true", "exit 3", f"touch {mark}"))
    assert status == 3
    assert not mark.exists()
    assert "part 1 failed; not submitted: part 2" in capfd.readouterr().err


@pytest.mark.parametrize(("phase", "status"), [("Succeeded", 0), ("Failed", 1)])
def test_a_drivers_pod_is_asked_how_it_ended(phase: str, status: int) -> None:
    asked = applications("true", status_command=("echo", f"\t phase: {phase}"))
    assert submission.run_applications(asked) == status


@pytest.mark.parametrize(
    ("job", "overrides", "refused"),
    [
        ("train", (), True),
        ("benchmark", (), True),
        ("experiment", (), True),
        ("pipeline", ("part=train",), True),
        ("pipeline", ("part=prepare",), False),
        ("ingest_ratings", (), False),
    ],
)
def test_training_needs_a_name_of_this_machine_that_resolves(
    job: str,
    overrides: tuple[str, ...],
    refused: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*arguments: object) -> None:
        raise socket.gaierror("Name or service not known")

    ran: list[Sequence[Application]] = []
    monkeypatch.setattr("socket.getaddrinfo", fail)
    monkeypatch.setattr("socket.gethostname", lambda: "nameless")
    monkeypatch.setattr(submission, "run_applications", lambda planned: ran.append(planned) or 0)
    given = ["local", job, "--conf", str(PROJECT / "conf" / "demo.yaml")]
    status = submission.main([*given, *(["--set", *overrides] if overrides else [])])
    message = 'Horovod needs it: add "127.0.0.1 nameless" to /etc/hosts'
    assert (status, len(ran), message in capsys.readouterr().err) == (
        (2, 0, True) if refused else (0, 1, False)
    )
