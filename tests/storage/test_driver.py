"""Which back end the driver takes, and roots that it refuses."""

from pathlib import Path

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from mmdin.errors import StorageError
from mmdin.storage import (
    ensure_writable,
    files_at,
    folder_at,
    hadoop_settings,
    is_local,
    join,
    load_files,
    spark_url,
)
from mmdin.storage.hadoop import HadoopFiles
from mmdin.storage.local import LocalFiles


def test_the_driver_reads_and_writes_under_every_root(spark: SparkSession, root: str) -> None:
    assert isinstance(files_at(spark, root), LocalFiles) is is_local(root)
    folder = folder_at(spark, join(root, "deep"))
    with folder.writing("file") as path:
        path.write_bytes(b"content")
    assert files_at(spark, root).read(join(root, "deep", "file")) == b"content"


def test_a_root_that_can_be_written_is_made(spark: SparkSession, root: str) -> None:
    ensure_writable(spark, root)
    files_at(spark, root).write(join(root, "file"), b"")


def test_a_path_on_a_remote_default_file_system_is_refused(spark: SparkSession) -> None:
    configuration = spark.sparkContext._jsc.hadoopConfiguration()
    configuration.set("fs.defaultFS", "hdfs://127.0.0.1:9")
    try:
        with pytest.raises(StorageError, match=r"root=hdfs://127\.0\.0\.1:9/"):
            ensure_writable(spark, "build/x")
    finally:
        configuration.set("fs.defaultFS", "file:///")


def test_a_path_on_a_default_file_system_that_is_not_there_is_refused(
    spark: SparkSession,
) -> None:
    configuration = spark.sparkContext._jsc.hadoopConfiguration()
    configuration.set("fs.defaultFS", "hdfs://nowhere.invalid:8020")
    try:
        for use in (ensure_writable, files_at, spark_url):
            with pytest.raises(StorageError, match=r"nowhere\.invalid"):
                use(spark, "build/x")
        assert isinstance(files_at(spark, "file:///build/x"), LocalFiles)
    finally:
        configuration.set("fs.defaultFS", "file:///")


@pytest.mark.parametrize(
    ("root", "advice"),
    [
        ("s3a://bucket/x", "org.apache.hadoop:hadoop-aws:3.5.0 to spark.jars.packages"),
        ("nosuch://x/y", "its jar for nosuch"),
        ("hdfs://127.0.0.1:9/x", "the service answers"),
        ("hdfs://nowhere.invalid:8020/x", "spelt right"),
        ("hdfs://127.0.0.1:99999/x", "spelt right"),
        ("hdfs:///x", "spelt right"),
        ("http://127.0.0.1:9/x", "hdfs://host/folder"),
    ],
)
def test_an_unreachable_root_or_input_is_named_with_advice(
    spark: SparkSession, root: str, advice: str
) -> None:
    for use in (ensure_writable, files_at, spark_url):
        with pytest.raises(StorageError) as error:
            use(spark, root)
        assert root in str(error.value)
        assert advice in str(error.value)
        assert "\n" not in str(error.value)


def test_what_s3_says_at_length_is_shown_by_its_first_cause(
    spark: SparkSession,
) -> None:
    java = spark._jvm.java
    first = java.net.ConnectException("Connection refused")
    again = java.io.IOException(f"{'a client says: ' * 20}NoAuthWithAWSException", first)
    for exception, shown, advice in (
        (again, "ConnectException: Connection refused; ", "set AWS_ACCESS_KEY_ID and AWS_SECRET"),
        (java.io.IOException("short", first), "IOException: short; ", "the service answers"),
    ):
        files = HadoopFiles(spark.sparkContext._gateway, spark._jsc.hadoopConfiguration())
        with (
            pytest.raises(StorageError) as refused,
            files._connecting("file:///x", "root s3a://x"),
        ):
            raise Py4JJavaError("", exception)
        assert str(refused.value).startswith(f"root s3a://x: {shown}")
        assert advice in str(refused.value)


def test_a_file_system_is_asked_once_whether_it_answers(
    spark: SparkSession, remote: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files_at(spark, remote)
    monkeypatch.setattr(HadoopFiles, "check_reachable", None)
    assert not files_at(spark, join(remote, "x")).exists(join(remote, "x"))


def test_names_that_the_jvm_cannot_express_are_refused(spark: SparkSession, tmp_path: Path) -> None:
    assert spark_url(spark, str(tmp_path / "é#")) == f"file:{tmp_path}/é#"
    with pytest.raises(StorageError, match=r"caf\\xe9: Java cannot express .*LC_ALL=C\.UTF-8"):
        spark_url(spark, "/data/caf\udce9")


def test_settings_are_the_drivers_and_not_shown(spark: SparkSession, remote: str) -> None:
    configuration = spark.sparkContext._jsc.hadoopConfiguration()
    configuration.set("fs.s3a.secret.key", "a<&>b")
    settings = hadoop_settings(spark)
    configuration.unset("fs.s3a.secret.key")
    assert settings.values["fs.s3a.secret.key"] == "a<&>b"
    assert any(name.startswith("fs.viewfs.mounttable.mount") for name in settings.values)
    assert len(settings.values) < 100
    assert "a<&>b" not in repr(settings)


def test_each_of_many_files_is_read_once_whatever_its_name(
    spark: SparkSession, tmp_path: Path
) -> None:
    for names in ("a", "b"), ("a[b]{c}*", "a[b]?"), ("[x]", "y", "[z]"):
        paths = [tmp_path / name for name in names]
        for path in paths:
            path.write_text(f"{path.name}\n")
        urls = [spark_url(spark, str(path)) for path in paths]
        rows = load_files(spark.read.format("text"), urls).collect()
        assert sorted(row.value for row in rows) == sorted(names)
