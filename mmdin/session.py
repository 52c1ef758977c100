"""The life of one spark-submit application: options, configuration, session, exit status."""

import argparse
import contextlib
import logging
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pyspark.sql import SparkSession

from mmdin.config import Config
from mmdin.errors import ClusterError, MmdinError, StorageError
from mmdin.options import add_options, load_given
from mmdin.storage import ensure_writable, files_at, is_local, join, local_path

log = logging.getLogger("mmdin")

Job = Callable[[SparkSession, Config], None]


def submit(job: Job, name: str, argv: Sequence[str] | None = None) -> None:
    """Run a job as an application and end the process with its status.

    Options: --conf FILE, --set KEY=VALUE ... (see mmdin.config) and --resume RUN_ID, short for
    --set training.resume=RUN_ID. The configuration is checked before Spark starts and printed as
    resolved, and the root is checked before the job starts. What is printed is kept in
    <root>/logs/<name>.log. A user's mistake ends with its message and status 2; a fault of the
    program keeps its stack trace.
    """
    options = _parse(name, job.__doc__ or "", argv)
    with contextlib.ExitStack() as ending:
        try:
            config = load_given(options)
            path = ending.enter_context(_log_to_console_and_file(config.root, name))
            log.info("%s: configuration\n%s", name, _indent(config.to_yaml()))
            spark = open_session(f"mmdin {name} {config.name}")
            ending.callback(spark.stop)
            ensure_writable(spark, config.root)
            ending.callback(_keep_log, spark, path, config.root)
            started = time.monotonic()
            job(spark, config)
            log.info("%s: done in %.1f s", name, time.monotonic() - started)
        except MmdinError as error:
            _record(str(error))
            print(f"{name}: error: {error}", file=sys.stderr)
            sys.exit(2)
        except Exception:
            _record(traceback.format_exc())
            raise


def open_session(app_name: str) -> SparkSession:
    """The application's Spark session, with times in UTC.

    Raises ClusterError where spark-submit was started without Delta.
    """
    spark = SparkSession.builder.appName(app_name).getOrCreate()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    extensions = spark.conf.get("spark.sql.extensions", "") or ""
    if "io.delta" not in extensions:
        raise ClusterError(
            "Spark was started without Delta: submit through submit/local.sh, or give spark-submit "
            "--properties-file conf/spark/local.conf"
        )
    return spark


def _parse(name: str, description: str, argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=name, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_options(parser)
    return parser.parse_args(argv)


@contextlib.contextmanager
def _log_to_console_and_file(root: str, name: str) -> Iterator[Path]:
    """Send the project's messages to standard output, and with times to a file, whose path it is.

    The file is under the root where that is local, and otherwise a temporary one.
    """
    log.setLevel(logging.INFO)
    log.propagate = False
    console = logging.StreamHandler(sys.stdout)
    console.setFormatter(logging.Formatter("%(message)s"))
    log.addHandler(console)
    with tempfile.TemporaryDirectory() as temporary:
        folder = local_path(root) / "logs" if is_local(root) else Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        file = logging.FileHandler(folder / f"{name}.log", encoding="utf-8")
        file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(file)
        yield folder / f"{name}.log"


def _keep_log(spark: SparkSession, path: Path, root: str) -> None:
    """Put the log's lines behind those of earlier runs under the root, unless they are there."""
    if is_local(root):
        return
    url = join(root, "logs", path.name)
    try:
        files = files_at(spark, url)
        earlier = files.read(url) if files.exists(url) else b""
        files.write(url, earlier + path.read_bytes())
    except StorageError as error:
        # Whatever ended the job is worth more than this.
        print(f"the log could not be kept at {url}: {error}", file=sys.stderr)


def _record(message: str) -> None:
    """Put what the job ended with into the file alone; the console has it on standard error."""
    for handler in log.handlers:
        if isinstance(handler, logging.FileHandler):
            handler.emit(log.makeRecord(log.name, logging.ERROR, "", 0, message, (), None))


def _indent(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines()).rstrip("\n")
