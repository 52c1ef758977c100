"""The life of one spark-submit application: options, configuration, session, exit status."""

import argparse
import contextlib
import logging
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pyspark import SparkContext
from pyspark.sql import SparkSession

from mmdin.config import Config
from mmdin.connect import is_classic
from mmdin.errors import INTERRUPTED, ClusterError, MmdinError, StorageError
from mmdin.interruption import Interruption
from mmdin.java_classes import java_class
from mmdin.options import add_options, load_given
from mmdin.predictors import require_packages, require_tracking
from mmdin.report_files import check_report
from mmdin.schemas import written_by
from mmdin.storage import (
    damaged_file,
    ensure_writable,
    file_system_trouble,
    files_at,
    full_disk_trouble,
    is_local,
    join,
    local_path,
    lock_root,
    make_local_root,
)
from mmdin.storage.errors import translated_errors
from mmdin.tables import Tables
from mmdin.variants import Plan, plan_variants

log = logging.getLogger("mmdin")

Job = Callable[[SparkSession, Plan], None]

_STOPPED = (
    "stopped. What stages have finished is kept, and in training every epoch that has ended. "
    "Run the same command again to resume"
)

_ASKED_OFTEN = (
    "functions",
    "org.apache.spark.sql.functions",
    "PythonUtils",
    "PythonSQLUtils",
    "org.apache.spark.sql.types.Metadata",
)

_PIPELINES = ("pipeline", "experiment")


def submit(job: Job, name: str, argv: Sequence[str] | None = None) -> None:
    """Run a job as an application and end the process with its status.

    Options: --conf FILE, --set KEY=VALUE ... (see mmdin.config) and --resume RUN_ID, short for
    --set training.resume=RUN_ID. The configuration is checked before Spark starts, and the root
    before the job starts. Messages are printed and appended to <root>/logs/<name>.log, which also
    has the complete configuration. After a user's mistake the process prints its message and exits
    with status 2; a fault of the program keeps its stack trace. Ctrl-C ends it with a message and
    status 130.

    If there is a Spark session in this process, the job is run on it, and it is not stopped.

    Args:
        job: function to run.
        name: of the job.
        argv: options; by default those of the command line.
    """
    is_ours = not has_session()
    options = _parse(name, job.__doc__ or "", argv)
    interruption = Interruption()
    root = ""
    with contextlib.ExitStack() as stack:
        stack.callback(interruption.forget)
        interruption.listen()
        try:
            plan = plan_variants(load_given(options))
            config = plan.config
            if name in (*_PIPELINES, "score"):
                require_packages(config.scoring.predictors)
            if name in (*_PIPELINES, "track", "export"):
                require_tracking(config.tracking.mlflow)
            root = config.root
            if is_local(root):
                make_local_root(root)
                _lock(stack, root, name)
            path = stack.enter_context(_log_to_console_and_file(root, name))
            _log_configuration(config, name)
            spark = open_session(f"mmdin {name} {config.name}")
            if is_ours:
                stack.callback(interruption.quietly, spark.stop)
            interruption.listen(spark)
            ensure_writable(spark, root)
            stack.callback(interruption.quietly, _store_log, spark, path, root)
            _check_outputs(spark, plan, name)
            started = time.monotonic()
            job(spark, plan)
            log.info("%s: done in %.1f s", name, time.monotonic() - started)
        except BaseException as error:
            if interruption.happened:
                _write_to_file(_STOPPED, logging.ERROR)
                print(f"{name}: {_STOPPED}", file=sys.stderr)
                sys.exit(INTERRUPTED)
            if not isinstance(error, Exception):
                raise
            message = _explain(error, root)
            if message is None:
                raise
            _write_to_file(message, logging.ERROR)
            print(f"{name}: error: {message}", file=sys.stderr)
            sys.exit(2)


def has_session() -> bool:
    """Whether there is a Spark session in this process, which need not be this thread's."""
    return SparkContext._active_spark_context is not None


def _explain(error: Exception, root: str) -> str | None:
    """The message for an error that a user can correct; None if it is another one."""
    if not isinstance(error, MmdinError):
        _write_to_file(traceback.format_exc(), logging.ERROR)
    if full := full_disk_trouble(error, root):
        return full
    if isinstance(error, MmdinError):
        return str(error)
    if trouble := file_system_trouble(error):
        return f"a file system refuses: {trouble}"
    damaged = damaged_file(error)
    return damaged and (
        f"{damaged} is damaged: restore it, or delete the folder of its table and run the pipeline "
        "again"
    )


def open_session(app_name: str) -> SparkSession:
    """The application's Spark session, with times in UTC.

    Raises:
        ClusterError: if spark-submit was started without Delta.
    """
    spark = SparkSession.builder.appName(app_name).getOrCreate()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    require_delta(spark)
    if is_classic(spark):
        keep_classes(spark)
    return spark


def keep_classes(spark: SparkSession) -> None:
    """Let Py4J keep the classes for which PySpark asks with every column."""
    for name in _ASKED_OFTEN:
        java_class(spark._jvm, name)


def require_delta(spark: SparkSession) -> None:
    """Check that the session can read and write Delta tables.

    Raises:
        ClusterError: if it cannot.
    """
    extensions = spark.conf.get("spark.sql.extensions", "") or ""
    if "io.delta" not in extensions and "DATABRICKS_RUNTIME_VERSION" not in os.environ:
        raise ClusterError(
            "Spark was started without Delta: submit through submit/local.sh, or give spark-submit "
            "--properties-file conf/spark/local.conf"
        )


def _lock(stack: contextlib.ExitStack, root: str, name: str) -> None:
    """Hold the root, if the job writes there: alone, if it runs stages that build on each other."""
    if name in _PIPELINES or written_by(name):
        stack.enter_context(lock_root(root, name, alone=name in _PIPELINES))


def _check_outputs(spark: SparkSession, plan: Plan, name: str) -> None:
    """Raise TableError if the job would write over what this project did not write."""
    for samples in plan.sample_sets():
        tables = Tables.of(spark, samples.config)
        for table in written_by(name):
            tables.check_writable(table)
    check_report(files_at(spark, plan.config.root), plan.config.root, [name])


def _parse(name: str, description: str, argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=name, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_options(parser)
    return parser.parse_args(argv)


class _LogFile(logging.FileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  logging's name
        """Do nothing: on a full disk the job itself ends with a message."""


@contextlib.contextmanager
def _log_to_console_and_file(root: str, name: str) -> Iterator[Path]:
    """Send the project's messages to standard output and, with times, to a file.

    Args:
        root: if it is local, the file is in its logs/, otherwise in a temporary folder.
        name: of the job.

    Yields:
        Path of the file.
    """
    log.setLevel(logging.INFO)
    log.propagate = False
    console = logging.StreamHandler(sys.stdout)
    console.setFormatter(logging.Formatter("%(message)s"))
    log.addHandler(console)
    with tempfile.TemporaryDirectory() as temporary:
        folder = local_path(root) / "logs" if is_local(root) else Path(temporary)
        with translated_errors(str(folder), inner=True):
            folder.mkdir(parents=True, exist_ok=True)
            file = _LogFile(folder / f"{name}.log", encoding="utf-8")
        file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(file)
        yield folder / f"{name}.log"


def _log_configuration(config: Config, name: str) -> None:
    """Print what differs from the defaults; write the complete configuration to the file alone."""
    _write_to_file(f"{name}: complete configuration\n{_indent(config.to_yaml())}", logging.INFO)
    log.info(
        "%s: configuration, without defaults (complete in %s)\n%s",
        name,
        join(config.root, "logs", f"{name}.log"),
        _indent(config.changes_to_yaml()),
    )


def _store_log(spark: SparkSession, path: Path, root: str) -> None:
    """Append the log to that of earlier runs under the root, unless it was written there."""
    if is_local(root):
        return
    url = join(root, "logs", path.name)
    try:
        files = files_at(spark, url)
        earlier = files.read(url) if files.exists(url) else b""
        files.write(url, earlier + path.read_bytes())
    except StorageError as error:
        # Not raised: it would hide how the job ended.
        print(f"the log could not be stored at {url}: {error}", file=sys.stderr)


def _write_to_file(message: str, level: int) -> None:
    """Write a message to the log file and not to the console."""
    for handler in log.handlers:
        if isinstance(handler, logging.FileHandler):
            handler.emit(log.makeRecord(log.name, level, "", 0, message, (), None))


def _indent(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines()).rstrip("\n")
