"""The life of one spark-submit application: options, configuration, session, exit status."""

import argparse
import logging
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pyspark.sql import SparkSession

from mmdin.config import Config, load_config
from mmdin.errors import ClusterError, MmdinError

log = logging.getLogger("mmdin")

Job = Callable[[SparkSession, Config], None]


def submit(job: Job, name: str, argv: Sequence[str] | None = None) -> None:
    """Run a job as an application and end the process with its status.

    Options: --conf FILE and --set KEY=VALUE ... (see mmdin.config). The configuration is checked
    before Spark starts and printed as resolved. A user's mistake ends with its message and
    status 2; a fault of the program keeps its stack trace.
    """
    options = _parse(name, job.__doc__ or "", argv)
    try:
        config = load_config(options.conf, options.set)
        _log_to_console_and_file(Path(config.root) / "logs" / f"{name}.log")
        log.info("%s: configuration\n%s", name, _indent(config.to_yaml()))
        spark = open_session(f"mmdin {name} {config.name}")
        started = time.monotonic()
        job(spark, config)
        log.info("%s: done in %.1f s", name, time.monotonic() - started)
    except MmdinError as error:
        _fail(name, str(error), status=2)
    spark.stop()


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
    parser.add_argument("--conf", required=True, metavar="FILE", help="configuration, conf/X.yaml")
    parser.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="overrides, such as training.ranks=4",
    )
    return parser.parse_args(argv)


def _log_to_console_and_file(path: Path) -> None:
    """Send the project's messages to standard output, and with times to a file.

    The file is only kept where the root is a local path.
    """
    log.setLevel(logging.INFO)
    log.propagate = False
    console = logging.StreamHandler(sys.stdout)
    console.setFormatter(logging.Formatter("%(message)s"))
    log.addHandler(console)
    if "://" not in str(path) and ":/" not in str(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = logging.FileHandler(path, encoding="utf-8")
        file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(file)


def _indent(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines()).rstrip("\n")


def _fail(name: str, message: str, status: int) -> None:
    for handler in log.handlers:
        if isinstance(handler, logging.FileHandler):
            handler.emit(log.makeRecord(log.name, logging.ERROR, "", 0, message, (), None))
    print(f"{name}: error: {message}", file=sys.stderr)
    sys.exit(status)
