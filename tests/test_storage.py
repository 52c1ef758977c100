"""Local files without a JVM; others through viewfs, which Hadoop shows a local folder as."""

import errno
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from mmdin import storage
from mmdin.errors import StorageError
from mmdin.storage import HadoopSettings

NOWHERE = HadoopSettings({})


@pytest.fixture
def remote(spark: SparkSession, tmp_path: Path) -> Iterator[str]:
    """A root that only Hadoop's classes can reach."""
    folder = tmp_path / "remote"
    folder.mkdir()
    name = f"mount{abs(hash(tmp_path))}"
    configuration = spark.sparkContext._jsc.hadoopConfiguration()
    setting = f"fs.viewfs.mounttable.{name}.link./root"
    configuration.set(setting, folder.as_uri())
    yield f"viewfs://{name}/root"
    configuration.unset(setting)


@pytest.fixture(params=["plain path", "file URL", "remote"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Roots of every kind, of which Spark is started for the remote one alone."""
    if request.param == "remote":
        return request.getfixturevalue("remote")
    folder = tmp_path / "of two words"
    return folder.as_uri() if request.param == "file URL" else str(folder)


@pytest.mark.parametrize(
    ("url", "local"),
    [("build/x", True), ("/a b", True), ("file:///a%20b", True), ("hdfs://n/a", False)],
)
def test_local_is_what_has_no_scheme_or_file(url: str, local: bool) -> None:
    assert storage.is_local(url) is local


def test_a_file_url_means_the_decoded_path() -> None:
    assert storage.local_path("file:///a%20b") == Path("/a b")
    assert storage.local_path("/a%20b") == Path("/a%20b")


def test_files_on_the_driver(spark: SparkSession, root: str, tmp_path: Path) -> None:
    files = storage.files_at(spark, root)
    url = storage.join(root, "deep", "file")
    assert not files.exists(url)
    assert files.list(root) == []
    for content in (b"one", bytes(range(256)) * 400):
        files.write(url, content)
        assert files.read(url) == content
    files.put(put(tmp_path, "another", b"abc"), storage.join(root, "deep", "another"))
    files.write(storage.join(root, "deep", "deeper", "third"), b"")
    assert [(f.name, f.size) for f in files.list(storage.join(root, "deep"))] == [
        ("another", 3),
        ("file", 102_400),
    ]
    assert [f.name for f in files.list(root, beneath=True)] == [
        "deep/another",
        "deep/deeper/third",
        "deep/file",
    ]
    assert all(f.modified > 1e18 for f in files.list(root, beneath=True))
    assert files.size(url) == 102_400
    files.get(url, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == bytes(range(256)) * 400
    assert not (tmp_path / ".copy.crc").exists()
    files.remove(storage.join(root, "deep"))
    files.remove(storage.join(root, "deep"))
    assert not files.exists(url)


def test_a_folder_is_uploaded_with_what_is_beneath(
    spark: SparkSession, root: str, tmp_path: Path
) -> None:
    put(tmp_path, "report/figures/a.svg", b"a")
    put(tmp_path, "report/index.html", b"page")
    for _ in range(2):
        storage.upload(
            storage.files_at(spark, root), tmp_path / "report", storage.join(root, "report")
        )
    storage.upload(
        storage.files_at(spark, root),
        tmp_path / "report/index.html",
        storage.join(root, "copy.html"),
    )
    found = storage.files_at(spark, root).list(root, beneath=True)
    assert [f.name for f in found] == ["copy.html", "report/figures/a.svg", "report/index.html"]


def test_files_away_from_the_driver(
    request: pytest.FixtureRequest, root: str, tmp_path: Path
) -> None:
    settings = NOWHERE
    if not storage.is_local(root):
        settings = storage.hadoop_settings(request.getfixturevalue("spark"))
    with storage.reaching(root, settings) as files:
        folder = storage.Folder(files, storage.join(root, "kept"))
        assert not folder.exists("one")
        folder.remove("one")
        for content in (b"first", b"second"):
            with folder.writing("one") as path:
                path.write_bytes(content)
        with pytest.raises(StorageError, match="kept/one: No space"), folder.writing("one") as path:
            path.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        with folder.reading("one") as path:
            assert path.read_bytes() == b"second"
        assert [f.name for f in files.list(root, beneath=True)] == ["kept/one"]
        folder.remove("one")
        assert not folder.exists("one")


def test_copies_end_with_their_reader(
    spark: SparkSession, remote: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARK_LOCAL_DIRS", f"{tmp_path},/elsewhere")
    files, said = storage.files_at(spark, remote), []
    files.write(storage.join(remote, "part"), b"x" * 100_000)
    with storage.copied(files, [storage.join(remote, "part")], said.append) as (copy,):
        assert copy.is_relative_to(tmp_path)
        assert copy.stat().st_size == 100_000
        assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700
    assert not copy.parent.exists()
    assert said == ["copies 1 files, 0.1 MB, to local disk (no native client for viewfs here)"]


def test_local_files_are_not_copied(tmp_path: Path) -> None:
    files, said = storage.local_folder(tmp_path).files, []
    with storage.copied(files, [str(tmp_path / "own")], said.append) as paths:
        assert paths == [tmp_path / "own"]
    assert said == []


def test_files_of_one_name_are_refused(spark: SparkSession, remote: str) -> None:
    urls = [storage.join(remote, folder, "x") for folder in "ab"]
    with (
        pytest.raises(ValueError, match="same name"),
        storage.copied(storage.files_at(spark, remote), urls, print),
    ):
        pass


def test_more_than_fits_is_refused_before_it_is_copied(
    spark: SparkSession, remote: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, url = storage.files_at(spark, remote), storage.join(remote, "large")
    files.write(url, b"x" * 1000)
    usage = storage.shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda folder: usage)
    with (
        pytest.raises(StorageError, match=r"spark\.local\.dir"),
        storage.copied(files, [url], print),
    ):
        pass


def test_settings_are_the_drivers_and_not_shown(spark: SparkSession, remote: str) -> None:
    configuration = spark.sparkContext._jsc.hadoopConfiguration()
    configuration.set("fs.s3a.secret.key", "a<&>b")
    settings = storage.hadoop_settings(spark)
    configuration.unset("fs.s3a.secret.key")
    assert settings.values["fs.s3a.secret.key"] == "a<&>b"
    assert any(name.startswith("fs.viewfs.mounttable.mount") for name in settings.values)
    assert len(settings.values) < 100
    assert "a<&>b" not in repr(settings)


def test_no_secret_is_on_a_command_line(spark: SparkSession, remote: str, tmp_path: Path) -> None:
    settings = storage.hadoop_settings(spark)
    settings.values["fs.s3a.secret.key"] = "never-shown"
    with storage.reaching(remote, settings) as files:
        files.exists(remote)
        seen = subprocess.run(["ps", "axeww"], capture_output=True, text=True, check=True).stdout
    assert "py4j.GatewayServer" in seen
    assert "never-shown" not in seen


def test_a_python_worker_stores_and_fetches(
    spark: SparkSession, remote: str, tmp_path: Path
) -> None:
    settings = storage.hadoop_settings(spark)

    def copy(numbers: Iterator[int]) -> Iterator[bytes]:
        with storage.reaching(remote, settings) as files:
            for number in numbers:
                url = storage.join(remote, f"part-{number}")
                try:
                    files.read(url)
                except StorageError as error:
                    assert f"part-{number}: FileNotFoundException" in str(error)
                    files.write(url, bytes([number]))
                yield files.read(url)

    assert spark.sparkContext.parallelize([7, 8], 2).mapPartitions(copy).collect() == [
        b"\x07",
        b"\x08",
    ]
    assert len(storage.files_at(spark, remote).list(remote)) == 2


def test_a_machine_without_java_is_named(
    spark: SparkSession, remote: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = storage.hadoop_settings(spark)
    monkeypatch.setenv("JAVA_HOME", "/no/java")
    with (
        pytest.raises(StorageError, match="install Java 17"),
        storage.reaching(remote, settings),
    ):
        pass


def test_a_root_that_can_be_written_is_made(spark: SparkSession, root: str) -> None:
    storage.reach(spark, root)
    storage.files_at(spark, root).write(storage.join(root, "file"), b"")


def test_a_path_on_a_remote_default_file_system_is_refused(spark: SparkSession) -> None:
    configuration = spark.sparkContext._jsc.hadoopConfiguration()
    configuration.set("fs.defaultFS", "hdfs://127.0.0.1:9")
    try:
        with pytest.raises(StorageError, match=r"root=hdfs://127\.0\.0\.1:9/"):
            storage.reach(spark, "build/x")
    finally:
        configuration.set("fs.defaultFS", "file:///")


@pytest.mark.parametrize(
    ("root", "said"),
    [
        ("s3a://bucket/x", "org.apache.hadoop:hadoop-aws:3.4.1 to spark.jars.packages"),
        ("nosuch://x/y", "its jar for nosuch"),
        ("hdfs://127.0.0.1:9/x", "the service answers"),
    ],
)
def test_a_root_that_cannot_be_reached_is_named(spark: SparkSession, root: str, said: str) -> None:
    with pytest.raises(StorageError) as error:
        storage.reach(spark, root)
    assert root in str(error.value)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_local_files_need_no_jvm(tmp_path: Path) -> None:
    put(tmp_path, "a", b"a")
    code = (
        "from pathlib import Path; from mmdin import storage; "
        f"storage.local_folder('').files.put(Path('{tmp_path}/a'), '{tmp_path}/to/a')"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PATH": "", "JAVA_HOME": "/no"})
    assert (tmp_path / "to/a").read_bytes() == b"a"


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
