import errno
import logging
import os
import re
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from mmdin import interruption, predictors, session, storage
from mmdin.config import Config, Training
from mmdin.errors import ClusterError, StorageError


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Restore the log's handlers."""
    log = logging.getLogger("mmdin")
    before = log.handlers[:], log.propagate, log.level
    yield
    log.handlers[:], log.propagate = before[0], before[1]
    log.setLevel(before[2])


def test_a_remote_log_is_appended_to_that_of_earlier_runs(
    spark: SparkSession, tmp_path: Path
) -> None:
    (tmp_path / "remote").mkdir()
    configuration = spark.sparkContext._jsc.hadoopConfiguration()
    configuration.set("fs.viewfs.mounttable.logs.link./root", (tmp_path / "remote").as_uri())
    for message in ("first", "second"):
        with session._log_to_console_and_file("viewfs://logs/root", "job") as path:
            session.log.info(message)
            session._write_to_file(f"{message} error", logging.ERROR)
            session._store_log(spark, path, "viewfs://logs/root")
        session.log.handlers.clear()
        assert not path.exists()
    stored = storage.files_at(spark, "viewfs://logs/root").read("viewfs://logs/root/logs/job.log")
    words = [line.split(maxsplit=3)[-1] for line in stored.decode().splitlines()]
    assert words == ["first", "first error", "second", "second error"]


def test_a_job_succeeds_even_if_its_log_cannot_be_stored(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session._store_log(spark, tmp_path / "x.log", "nosuch://host/root")
    assert "could not be stored at nosuch://host/root/logs/x.log" in capsys.readouterr().err


def test_the_console_shows_changed_keys_and_the_log_file_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = Config(name="x", root=str(tmp_path), training={"batch_size": 256})
    with session._log_to_console_and_file(config.root, "job") as path:
        session._log_configuration(config, "job")
    shown = capsys.readouterr().out
    assert "batch_size: 256" in shown
    assert "learning_rate" not in shown
    assert str(path) in shown
    written = path.read_text()
    assert all(f"{key}:" in written for key in Training.model_fields)


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


class Idle:
    """A session of which nothing is asked."""

    def stop(self) -> None:
        pass


def full(path: str) -> Exception:
    return OSError(errno.ENOSPC, "No space left on device", path)


def stored(path: str) -> Exception:
    return StorageError(f"{path}: No space left on device")


def in_another_process(path: str) -> Exception:
    message = f"Job aborted\n: java.io.IOException: {path}: No space left on device\n\tat x.y"
    return RuntimeError(message)


def as_a_cause(path: str) -> Exception:
    error = RuntimeError("the stage failed")
    error.__cause__ = OSError(errno.EDQUOT, os.strerror(errno.EDQUOT), path)
    return error


@pytest.mark.parametrize("make", [full, stored, in_another_process, as_a_cause])
def test_a_full_disk_is_one_message_that_names_the_folders(
    make: Callable[[str], Exception],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def job(spark: SparkSession, plan: object) -> None:
        raise make("/full/blockmgr-1/x")

    monkeypatch.setattr(session, "open_session", lambda name: Idle())
    monkeypatch.setattr(session, "ensure_writable", lambda spark, root: None)
    monkeypatch.setattr(session, "_check_outputs", lambda *_: None)
    monkeypatch.setattr(interruption.Interruption, "listen", lambda *_: None)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    (tmp_path / "some.yaml").write_text(f"root: {tmp_path}/root")
    with pytest.raises(SystemExit) as ended:
        session.submit(job, "score", ["--conf", str(tmp_path / "some.yaml")])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.match("score: error: a disk is full: [^: ]", line)
    assert "/full/blockmgr-1/x" in line
    assert f"{tmp_path}/temporary (TMPDIR, for temporary files)" in line
    assert f" GB in {tmp_path}/root (root). Free some space, or set the one that is full" in line


@pytest.mark.parametrize("job", ["pipeline", "score", "train"])
def test_a_missing_package_is_a_message_before_hours_of_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], job: str
) -> None:
    (tmp_path / "small.yaml").write_text("scoring: {predictors: lightgbm}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(predictors.importlib.util, "find_spec", lambda name: None)

    def open_session(name: str) -> None:
        raise ClusterError("Spark was started")

    monkeypatch.setattr(session, "open_session", open_session)
    with pytest.raises(SystemExit) as ended:
        session.submit(lambda spark, config: None, job, ["--conf", "small.yaml"])
    assert ended.value.code == 2
    printed = capsys.readouterr()
    message = "Spark was started" if job == "train" else "lightgbm, which is not installed"
    assert message in printed.err


@pytest.mark.parametrize("error", [None, ConnectionError("the JVM is gone"), KeyboardInterrupt()])
def test_ctrl_c_ends_a_job_with_one_message(
    error: BaseException | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Stopped:
        """A session that is gone."""

        def stop(self) -> None:
            raise ConnectionError("the JVM is gone")

    monkeypatch.setattr(
        interruption, "_cancel_jobs", lambda spark, silently: cancelled.append(spark)
    )
    cancelled: list[object] = []

    def job(spark: SparkSession, plan: object) -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            if error:
                raise error from None
            raise
        raise AssertionError("not interrupted")

    monkeypatch.setattr(session, "open_session", lambda name: Stopped())
    monkeypatch.setattr(session, "ensure_writable", lambda spark, root: None)
    monkeypatch.setattr(session, "_check_outputs", lambda *_: None)
    (tmp_path / "some.yaml").write_text(f"root: {tmp_path}")
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(SystemExit) as ended:
        session.submit(job, "train", ["--conf", str(tmp_path / "some.yaml")])
    assert ended.value.code == 130
    assert len(cancelled) == 1
    assert not logging.root.manager.disable and threading.excepthook is threading.__excepthook__
    assert signal.getsignal(signal.SIGINT) is before
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("train: stopped. What stages have finished is kept")
    assert line.endswith("Run the same command again to resume")
    assert "stopped. What stages" in (tmp_path / "logs" / "train.log").read_text()
    assert "Traceback" not in (tmp_path / "logs" / "train.log").read_text()


def test_ctrl_c_cancels_sparks_jobs_and_the_session_answers_again(
    spark: SparkSession, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"

    def wait(number: int) -> int:
        begun.touch()
        time.sleep(300)
        return number

    def interrupt() -> None:
        while not begun.exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    stopping = interruption.Interruption(ends_process=False)
    stopping.listen(spark)
    threading.Thread(target=interrupt, daemon=True).start()
    try:
        # The main thread is in the middle of a command, whose answer it never reads.
        with pytest.raises(KeyboardInterrupt):
            spark.range(1).select(F.udf(wait, "long")("id")).collect()
    finally:
        stopping.forget()
    assert stopping.happened
    assert spark.range(3).count() == 3
    # That a job has ended reaches the tracker a moment later.
    while spark.sparkContext.statusTracker().getActiveJobsIds():
        time.sleep(0.05)


def test_a_session_that_is_there_is_used_and_not_stopped(
    spark: SparkSession, tmp_path: Path
) -> None:
    (tmp_path / "some.yaml").write_text(f"root: {tmp_path}/root")
    used: list[SparkSession] = []

    def job(given: SparkSession, plan: object) -> None:
        used.append(given)

    session.submit(job, "score", ["--conf", str(tmp_path / "some.yaml")])
    assert used == [spark]
    assert spark.range(3).count() == 3


def test_udfs_and_other_functions_have_the_same_python_workers(spark: SparkSession) -> None:
    def fork(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield pa.RecordBatch.from_pydict({"daemon": [os.getppid()]})

    (of_udf,) = spark.range(1).coalesce(1).mapInArrow(fork, "daemon long").collect()
    of_rdd = spark.sparkContext.parallelize([0], 1).map(lambda _: os.getppid()).collect()
    assert of_rdd == [of_udf["daemon"]]
