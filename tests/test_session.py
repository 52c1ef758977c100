import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from mmdin import session, storage


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """The log as it was before."""
    log = logging.getLogger("mmdin")
    before = log.handlers[:], log.propagate, log.level
    yield
    log.handlers[:], log.propagate = before[0], before[1]
    log.setLevel(before[2])


def test_a_remote_log_goes_on_where_the_last_one_ended(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "remote").mkdir()
    configuration = spark.sparkContext._jsc.hadoopConfiguration()
    configuration.set("fs.viewfs.mounttable.logs.link./root", (tmp_path / "remote").as_uri())
    for said in ("first", "second"):
        with session._log_to_console_and_file("viewfs://logs/root", "job") as path:
            session.log.info(said)
            session._record(f"{said} error")
            session._keep_log(spark, path, "viewfs://logs/root")
        session.log.handlers.clear()
        assert not path.exists()
    kept = storage.files_at(spark, "viewfs://logs/root").read("viewfs://logs/root/logs/job.log")
    words = [line.split(maxsplit=3)[-1] for line in kept.decode().splitlines()]
    assert words == ["first", "first error", "second", "second error"]


def test_a_log_that_cannot_be_kept_is_no_failure(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session._keep_log(spark, tmp_path / "x.log", "nosuch://host/root")
    assert "could not be kept at nosuch://host/root/logs/x.log" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("small.yaml", "--set", "training.rank=2"), "did you mean training.ranks"),
        (("nowhere.yaml",), "nowhere.yaml: cannot be read"),
    ],
)
def test_a_wrong_configuration_is_one_message_with_status_2_before_spark_starts(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    (tmp_path / "small.yaml").write_text("training: {ranks: 2}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "open_session", lambda name: pytest.fail("Spark was started"))
    with pytest.raises(SystemExit) as ended:
        session.submit(lambda spark, config: None, "train", ["--conf", *arguments])
    assert ended.value.code == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert len(printed.err.splitlines()) == 1
    assert not printed.out
