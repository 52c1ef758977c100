"""Files in processes that have no JVM of Spark's."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from mmdin.errors import StorageError
from mmdin.storage import (
    Folder,
    HadoopSettings,
    connect,
    files_at,
    hadoop_settings,
    is_local,
    join,
)


def test_a_rank_reads_and_writes_under_every_root(
    request: pytest.FixtureRequest, root: str
) -> None:
    settings = HadoopSettings({})
    if not is_local(root):
        settings = hadoop_settings(request.getfixturevalue("spark"))
    with connect(root, settings) as files:
        folder = Folder(files, join(root, "kept"))
        for content in (b"first", b"second"):
            with folder.writing("one") as path:
                path.write_bytes(content)
        with folder.reading("one") as path:
            assert path.read_bytes() == b"second"
        assert [f.name for f in files.list(root, recursive=True)] == ["kept/one"]
        folder.remove("one")
        assert not folder.exists("one")


def test_no_secret_is_on_a_command_line(spark: SparkSession, remote: str) -> None:
    settings = hadoop_settings(spark)
    settings.values["fs.s3a.secret.key"] = "never-shown"
    with connect(remote, settings) as files:
        files.exists(remote)
        seen = subprocess.run(["ps", "axeww"], capture_output=True, text=True, check=True).stdout
    assert "py4j.GatewayServer" in seen
    assert "never-shown" not in seen


def test_a_python_worker_reads_and_writes(spark: SparkSession, remote: str) -> None:
    settings = hadoop_settings(spark)

    def copy(numbers: Iterator[int]) -> Iterator[bytes]:
        with connect(remote, settings) as files:
            for number in numbers:
                url = join(remote, f"part-{number}")
                try:
                    files.read(url)
                except StorageError as error:
                    assert f"part-{number}: FileNotFoundException" in str(error)
                    files.write(url, bytes([number]))
                yield files.read(url)

    contents = spark.sparkContext.parallelize([7, 8], 2).mapPartitions(copy).collect()
    assert contents == [b"\x07", b"\x08"]
    assert len(files_at(spark, remote).list(remote)) == 2


def test_a_machine_without_java_is_named(
    spark: SparkSession, remote: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = hadoop_settings(spark)
    monkeypatch.setenv("JAVA_HOME", "/no/java")
    with (
        pytest.raises(StorageError, match="install Java 17"),
        connect(remote, settings),
    ):
        pass


def test_local_files_need_no_jvm(put: Callable[[str, bytes], Path], tmp_path: Path) -> None:
    put("a", b"a")
    code = (
        "import sys; from pathlib import Path; from mmdin.storage import HadoopSettings, connect\n"
        f"with connect('{tmp_path}', HadoopSettings({{}})) as files:\n"
        f"    files.put(Path('{tmp_path}/a'), '{tmp_path}/to/a')\n"
        "assert not {'pyspark', 'py4j'} & set(sys.modules)"
    )
    environment = {"PATH": "", "JAVA_HOME": "/no", "PYTHONPATH": ":".join(sys.path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert (tmp_path / "to/a").read_bytes() == b"a"
