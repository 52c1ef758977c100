"""The archive for executors, run outside the project and its .venv."""

import subprocess
from pathlib import Path

import pytest
from pipelines import launch

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def python(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive's Python, unpacked into a folder with a blank in its name."""
    folder = tmp_path_factory.mktemp("some node") / "environment"
    folder.mkdir()
    subprocess.run(["tar", "-xzf", str(archive), "-C", str(folder)], check=True)
    return folder / "bin" / "python3"


def run(python: Path, program: str) -> str:
    """Run a program as on a node that has only the system's tools; return what it prints."""
    ended = subprocess.run(
        [str(python), "-c", program],
        env={"PATH": "/usr/bin:/bin", "TF_CPP_MIN_LOG_LEVEL": "3"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def test_an_archive_as_new_as_what_it_holds_is_left_alone(archive: Path) -> None:
    before = archive.stat().st_mtime_ns
    assert "up to date" in launch("package_env.sh", str(archive))
    assert archive.stat().st_mtime_ns == before


def test_everything_comes_from_the_archive(python: Path) -> None:
    home = python.parents[1]
    program = "import mmdin, spark_jobs, horovod, tensorflow, petastorm, PIL, pyspark, sys, os"
    modules = "(mmdin, spark_jobs, horovod, tensorflow, petastorm, PIL, pyspark, os)"
    paths = run(
        python, f"{program}; print(*(m.__file__ for m in {modules}), *sys.path[1:], sep='\\n')"
    )
    assert all(Path(line).is_relative_to(home) for line in paths.splitlines())


def test_shared_libraries_come_from_the_archive_or_the_system(python: Path) -> None:
    program = (
        "import ssl, sqlite3, ctypes, lzma, bz2, horovod.tensorflow, tensorflow, pyarrow;"
        "lines = [line for line in open('/proc/self/maps') if '.so' in line];"
        "print(*{line.split(maxsplit=5)[-1].strip() for line in lines}, sep='\\n')"
    )
    libraries = [Path(line) for line in run(python, program).splitlines()]
    inside = [p for p in libraries if p.is_relative_to(python.parents[1])]
    assert {p.parent.name for p in inside} >= {"shared", "lib-dynload"}
    outside = {p.name.split(".so")[0].split("-")[0] for p in set(libraries) - set(inside)}
    assert outside <= {"libc", "libm", "libdl", "librt", "libpthread", "libutil", "ld", "libresolv"}


def test_ranks_of_the_archive_train(python: Path) -> None:
    program = (
        "import horovod.tensorflow as hvd, tensorflow as tf; hvd.init();"
        "print(float(hvd.allreduce(tf.constant(3.0), op=hvd.Sum)))"
    )
    assert run(python, program).endswith("3.0")
