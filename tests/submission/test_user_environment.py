"""What launchers make of an environment that would harm: seen with an invented spark-submit."""

import os
import pwd
import shlex
import subprocess
from pathlib import Path

import pytest
from clone import SHOW, Clone, invent_command, make_clone

HARMFUL = {
    "PYTHONPATH": "/evil",
    "PYTHONHOME": "/nonexistent",
    "PYTHONOPTIMIZE": "2",
    "PYTHONINSPECT": "1",
    "PYTHONIOENCODING": "ascii",
    "SPARK_HOME": "/opt/other-spark",
    "SPARK_CONF_DIR": "/etc/spark/conf",
    "SPARK_DIST_CLASSPATH": "/usr/lib/hadoop/*",
    "SPARK_REMOTE": "sc://nowhere",
    "SPARK_PREPEND_CLASSES": "1",
    "PYSPARK_DRIVER_PYTHON": "jupyter",
    "PYSPARK_DRIVER_PYTHON_OPTS": "notebook",
    "PYSPARK_PYTHON": "/usr/bin/python2",
    "PYSPARK_SUBMIT_ARGS": "pyspark-shell",
    "PYSPARK_GATEWAY_PORT": "1",
    "CDPATH": "/tmp:/usr",
    "LC_ALL": "POSIX",
    "LANG": "tr_TR.UTF-8",
}
JAVA_OPTIONS = "--driver-java-options"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone in a folder whose name has a blank and a #."""
    return make_clone(tmp_path_factory.mktemp("some where #1") / "my clone#2")


@pytest.fixture(autouse=True)
def nothing_seen(clone: Clone) -> None:
    for file in clone.seen.iterdir():
        file.unlink()


def java_options(clone: Clone) -> list[str]:
    arguments = clone.arguments()
    return shlex.split(arguments[arguments.index(JAVA_OPTIONS) + 1])


def test_what_would_harm_is_dropped(clone: Clone) -> None:
    ended = clone.launch(**HARMFUL)
    assert (ended.returncode, ended.stderr) == (0, "")
    variables = clone.variables()
    kept = {name: variables[name] for name in HARMFUL if name in variables}
    assert kept == {
        "PYTHONPATH": str(clone.folder),
        "PYSPARK_PYTHON": str(clone.folder / ".venv/bin/python"),
        "PYSPARK_DRIVER_PYTHON": str(clone.folder / ".venv/bin/python"),
        "LC_ALL": "C.UTF-8",
        "LANG": "tr_TR.UTF-8",
    }
    assert "-Duser.language=en" in java_options(clone)


def test_users_can_name_the_collector(clone: Clone) -> None:
    for options, ours in (("", True), ("-Xlog:gc -XX:+UseG1GC", False)):
        assert clone.launch(SPARK_SUBMIT_OPTS=options).returncode == 0
        assert ("-XX:+UseParallelGC" in java_options(clone)) == ours


def test_a_clone_and_a_temporary_folder_can_have_any_name(clone: Clone, tmp_path: Path) -> None:
    scratch = tmp_path / 'temp "orary" #3 \\ 100%'
    scratch.mkdir()
    ended = clone.launch(TMPDIR=str(scratch))
    assert (ended.returncode, ended.stderr) == (0, "")
    arguments = clone.arguments()
    assert f"spark.sql.warehouse.dir={scratch}/mmdin-warehouse" in arguments
    assert str(clone.folder / "conf/spark/local.conf") in arguments
    job = next(word for word in arguments if word.endswith("score.py"))
    assert job == (clone.folder / "spark_jobs" / "score.py").as_uri()
    options = java_options(clone)
    logging = (clone.folder / "conf/spark/log4j2.properties").as_uri().replace("file://", "file:")
    assert f"-Dlog4j2.configurationFile={logging}" in options
    assert {f"-Djava.io.tmpdir={scratch}", f"-Dderby.system.home={scratch}"} <= set(options)
    assert clone.variables()["TMPDIR"] == str(scratch)


def test_without_locale_home_or_proxies_for_this_machine(clone: Clone) -> None:
    absent = dict.fromkeys(("LC_ALL", "LANG", "LC_CTYPE", "HOME"))
    ended = clone.launch(http_proxy="http://nowhere:1", no_proxy="example.org", **absent)
    assert (ended.returncode, ended.stderr) == (0, "")
    variables = clone.variables()
    assert variables["LC_ALL"] == "C.UTF-8"
    assert variables["HOME"] == pwd.getpwuid(os.getuid()).pw_dir
    assert variables["no_proxy"] == variables["NO_PROXY"] == "example.org,localhost,127.0.0.1,::1"


def test_a_machine_without_a_utf_8_locale_is_refused(clone: Clone, tmp_path: Path) -> None:
    invent_command(tmp_path, "locale", "echo ANSI_X3.4-1968")
    ended = clone.launch(PATH=f"{tmp_path}:{os.environ['PATH']}", LC_ALL="C")
    assert ended.returncode == 2
    assert "local.sh: no UTF-8 locale: install one" in ended.stderr
    assert not clone.was_started()


@pytest.mark.parametrize(
    ("command", "script"),
    [
        ("df", "printf 'Filesystem 1024-blocks Used Available\\n/dev/x 9 8 1024 90%% /\\n'"),
        ("chmod", "true"),  # as if mounted noexec: no file becomes executable
        ("head", "exit 1"),  # as if a quota were used up
        ("mktemp", "exit 1"),  # as if not writable
    ],
)
def test_a_temporary_folder_that_cannot_be_used_is_named(
    clone: Clone, tmp_path: Path, command: str, script: str
) -> None:
    invent_command(tmp_path / "bin", command, script)
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    ended = clone.launch(PATH=path, TMPDIR=str(tmp_path))
    assert ended.returncode == 2
    assert f"local.sh: no folder for temporary files: {tmp_path}, /tmp and /var/tmp" in ended.stderr
    assert "set TMPDIR to one" in ended.stderr
    assert not clone.was_started()


def test_another_temporary_folder_is_taken_with_a_warning(clone: Clone, tmp_path: Path) -> None:
    ended = clone.launch(TMPDIR=str(tmp_path / "absent"))
    assert ended.returncode == 0
    assert f"local.sh: TMPDIR={tmp_path / 'absent'} has less than 300 MB free" in ended.stderr
    assert clone.variables()["TMPDIR"] in ("/tmp", "/var/tmp")


def test_the_name_of_a_single_machine_need_not_resolve(clone: Clone, tmp_path: Path) -> None:
    invent_command(tmp_path, "getent", "exit 2")
    path = f"{tmp_path}:{os.environ['PATH']}"
    ended = clone.launch(PATH=path, SPARK_LOCAL_IP="10.9.9.9", SPARK_LOCAL_HOSTNAME="elsewhere")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert clone.variables()["SPARK_LOCAL_IP"] == "127.0.0.1"
    assert "SPARK_LOCAL_HOSTNAME" not in clone.variables()
    ended = clone.launch(script="yarn.sh", PATH=path, SPARK_LOCAL_IP=None)
    assert ended.returncode == 2
    assert "yarn.sh: the name of this machine, " in ended.stderr
    assert "does not resolve: add it to /etc/hosts, or set SPARK_LOCAL_IP" in ended.stderr


def make_java(folder: Path, version: str, release: bool = True) -> None:
    shown = f"echo 'openjdk version \"{version}\" 2020-01-01' >&2"
    invent_command(folder / "bin", "java", shown)
    if release:
        (folder / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')


@pytest.mark.parametrize("release", [True, False])
def test_a_wrong_java_home_is_dropped_if_there_is_another_java(
    clone: Clone, tmp_path: Path, release: bool
) -> None:
    make_java(tmp_path / "8", "1.8.0_352", release)
    make_java(tmp_path / "17", "17.0.9", release)
    path = f"{tmp_path / '17' / 'bin'}:{os.environ['PATH']}"
    for home in (tmp_path / "8", tmp_path / "absent"):
        ended = clone.launch(JAVA_HOME=str(home), PATH=path)
        assert ended.returncode == 0
        right = tmp_path / "17" / "bin" / "java"
        assert f"local.sh: JAVA_HOME={home} has no Java 17: using {right}" in ended.stderr
        assert "JAVA_HOME" not in clone.variables()
    ended = clone.launch(JAVA_HOME=str(tmp_path / "17"))
    assert (ended.stderr, clone.variables()["JAVA_HOME"]) == ("", str(tmp_path / "17"))


def test_a_java_that_does_not_fit_is_named(clone: Clone, tmp_path: Path) -> None:
    make_java(tmp_path / "11", "11.0.2")
    path = f"{tmp_path / '11' / 'bin'}:{os.environ['PATH']}"
    ended = clone.launch(JAVA_HOME="/absent", PATH=path)
    assert ended.returncode == 2
    assert "local.sh: JAVA_HOME=/absent has no Java 17: set it" in ended.stderr
    ended = clone.launch(JAVA_HOME=None, PATH=path)
    assert ended.returncode == 2
    assert f"no Java 17 ({tmp_path / '11' / 'bin' / 'java'} is another ver" in ended.stderr
    assert not clone.was_started()


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("MMDIN_MEMORY", "4gb", "MMDIN_MEMORY=4gb: must be a whole number with m or g"),
        ("MMDIN_MEMORY", "1.5g", "MMDIN_MEMORY=1.5g: must be"),
        ("MMDIN_MEMORY", "99999999999g", "MMDIN_MEMORY=99999999999g: must be"),
        ("MMDIN_MEMORY", "64m", "MMDIN_MEMORY=64m: Spark needs at least 512m"),
        ("MMDIN_CORES", "abc", "MMDIN_CORES=abc: must be a whole number of cores"),
        ("MMDIN_CORES", "0", "MMDIN_CORES=0: must be"),
        ("MMDIN_CORES", "-2", "MMDIN_CORES=-2: must be"),
        ("MMDIN_SPARK_PROPERTIES", "/no/such.conf", "MMDIN_SPARK_PROPERTIES=/no/such.conf: there"),
        ("MMDIN_SPARK_PROPERTIES", "/tmp", "MMDIN_SPARK_PROPERTIES=/tmp: there is no such file"),
    ],
)
def test_settings_of_the_launchers_are_checked(
    clone: Clone, variable: str, value: str, message: str
) -> None:
    for script in ("local.sh", "sql.sh"):
        ended = clone.launch(script=script, **{variable: value})
        assert ended.returncode == 2
        assert f"{script}: {message}" in ended.stderr
        assert len(ended.stderr.splitlines()) == 1
    assert not clone.was_started()


def test_launchers_can_be_called_by_a_link_or_by_sh(clone: Clone, tmp_path: Path) -> None:
    link = tmp_path / "mmdin run"
    link.symlink_to(clone.folder / "submit" / "local.sh")
    script, *arguments = clone.command("local.sh")
    for command in ([str(link)], ["sh", script], ["sh", str(link)], ["bash", "--posix", script]):
        environment = clone.environment({"CDPATH": f"{tmp_path}:/usr"})
        ended = subprocess.run(
            [*command, *arguments], env=environment, capture_output=True, text=True, check=False
        )
        assert (ended.returncode, ended.stderr) == (0, "")
        assert (clone.folder / "spark_jobs" / "score.py").as_uri() in clone.arguments()
        (clone.seen / "arguments").unlink()


@pytest.mark.parametrize(
    "name", ["__init__", "../setup", "spark_jobs/train", "train.py", "a b", "-x", "train\n"]
)
def test_only_jobs_are_run(clone: Clone, name: str) -> None:
    ended = clone.launch(name, "--conf", "conf/demo.yaml")
    assert ended.returncode == 2
    assert f"local.sh: there is no job {name}" in ended.stderr
    assert not clone.was_started()


def test_a_wrong_configuration_starts_no_jvm(clone: Clone, tmp_path: Path) -> None:
    path = tmp_path / "some.yaml"
    path.write_text("training: {ranks: 1}\ntraining: {ranks: 2}\n")
    variants = "experiment.variants={a: {networks.heads: 0}}"
    for arguments, message in (
        (("--conf", str(path)), "training is given twice, in lines 1 and 2"),
        (("--conf", "/no/such.yaml"), "/no/such.yaml: cannot be read"),
        (("--set", "training.rank=1"), "the following arguments are required: --conf"),
    ):
        ended = clone.launch("train", *arguments)
        assert ended.returncode == 2
        assert message in ended.stderr
    path.write_text("training: {ranks: 1}")
    ended = clone.launch("train", "--conf", str(path), "--set", variants)
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)
    assert "experiment.variants: a: networks.heads: Input should be greater" in ended.stderr
    assert not clone.was_started()


def test_the_job_has_the_options_that_the_launcher_was_given(clone: Clone, tmp_path: Path) -> None:
    path = tmp_path / "so me.yaml"
    path.write_text("name: some")
    given = ("--conf=~/so me.yaml", "--set", "input.movielens=a #b", "seed=2", "--resume", "run 1")
    assert clone.launch("train", *given, HOME=str(tmp_path)).returncode == 0
    *_, conf, value, option, first, second, third = clone.arguments()
    assert (conf, value, option) == ("--conf", str(path), "--set")
    assert (first, second, third) == ("input.movielens=a #b", "seed=2", "training.resume=run 1")


def test_sql_is_answered_by_its_own_launcher(clone: Clone) -> None:
    ended = clone.launch("sql", "SELECT 1", "--root", "no/such")
    assert (ended.returncode, ended.stderr) == (2, "sql: error: there is no folder no/such\n")
    assert not clone.was_started()


def test_output_that_is_no_text_comes_through(clone: Clone) -> None:
    clone.invent(r"printf 'first\n\0 \377\376 \303\n:: ivy line\nlast\n'")
    ended = subprocess.run(
        clone.command("local.sh"), env=clone.environment(), capture_output=True, check=False
    )
    clone.invent(SHOW)
    assert b"first\n\0 \xff\xfe \xc3\n" in ended.stdout
    assert b"last\n" in ended.stdout
    assert b"binary file" not in ended.stdout + ended.stderr
