"""The stages of a configuration, from Python, on a Spark session that is there."""

import contextlib
import importlib
import logging
import os
import sys
import tempfile
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from mmdin.config import Config, change, load_config
from mmdin.errors import TableError
from mmdin.installation import PROJECT
from mmdin.report_files import FIGURES, PAGE
from mmdin.schemas import TABLES
from mmdin.session import require_delta
from mmdin.stages import Stage, run_pipeline, run_stages, wanted_stages
from mmdin.storage import (
    ensure_writable,
    files_at,
    is_local,
    join,
    lock_root,
    make_local_root,
)
from mmdin.submission.commands import read_properties
from mmdin.tables import Tables
from mmdin.variants import plan_variants

__all__ = ["Figure", "Pipeline", "load_config", "local_session"]

log = logging.getLogger("mmdin")


@dataclass(frozen=True)
class Figure:
    """A figure of the report. A notebook shows it.

    Attributes:
        name: of its files in report/figures/.
        png: the image.
        svg: the same as vectors.
    """

    name: str
    png: bytes
    svg: str

    def _repr_png_(self) -> bytes:
        return self.png


class Pipeline:
    """What the jobs do, on a session that is there and stays open.

    Stages that would change nothing are skipped, as in job pipeline. Messages go to logger mmdin,
    and to standard output unless that logger has a handler.

    Args:
        spark: a session with Delta, such as `local_session()`. One of Spark Connect can use trained
            networks; all else needs a classic one.
        config: of `load_config`.

    Attributes:
        spark, config: as given.

    Raises:
        ClusterError: if the session has no Delta.

    Example:
        >>> pipeline = Pipeline(local_session(), load_config("conf/demo.yaml"))
        >>> pipeline.generate()
        >>> pipeline.run()
        >>> pipeline.table("metrics").select("model", "roc_auc").show()
        >>> pipeline.figure("metrics")
    """

    def __init__(self, spark: SparkSession, config: Config) -> None:
        require_delta(spark)
        self.spark, self.config = spark, config
        if not log.handlers:
            log.setLevel(logging.INFO)
            log.addHandler(logging.StreamHandler(sys.stdout))

    def generate(self) -> None:
        """Generate a world of users, movies, posters and ratings, as job make_demo_data does."""
        self.job("make_demo_data")

    def ingest(self) -> None:
        """Read ratings, movies and posters into tables, and measure the posters."""
        self._run([stage for stage in _stages() if stage.ingests])

    def build(self) -> None:
        """Build the samples."""
        self._run([s for s in _stages() if s.part == "prepare" and not s.ingests])

    def train(self) -> None:
        """Train every network of the configuration."""
        self._run([stage for stage in _stages() if stage.part == "train"])

    def evaluate(self) -> None:
        """Score and measure the test rows, and write the report."""
        self._run([stage for stage in _stages() if stage.part == "evaluate"])

    def run(self) -> None:
        """Do all of that, or the part that the configuration names."""
        with self._working("pipeline"):
            run_pipeline(self.spark, plan_variants(self.config), _stages())

    def predict(self, pairs: str, run: str = "") -> None:
        """Score pairs into table pair_scores, as job predict does.

        Args:
            pairs: of predict.pairs: a file, a folder or a Delta table.
            run: a run_id, a variant or a model; by default the best.
        """
        self.job("predict", {"predict.pairs": pairs, **({"predict.run": run} if run else {})})

    def recommend(self, run: str = "") -> None:
        """Write table recommendations, as job recommend does, by a run_id, a variant or a model."""
        self.job("recommend", {"recommend.run": run} if run else {})

    def export(self, run: str = "") -> None:
        """Write a SavedModel, as job export does: of a run_id, a variant or a model."""
        self.job("export", {"export.run": run} if run else {})

    def job(self, name: str, settings: Mapping[str, Any] | None = None) -> None:
        """Run a job of spark_jobs/ by its name.

        Args:
            name: of the job.
            settings: values by key, such as export.run, that the configuration gets for this job.

        Raises:
            MmdinError: what the job would end with.
        """
        config = change(self.config, settings, f"job {name}") if settings else self.config
        with self._working(name):
            _module(name).run(self.spark, plan_variants(config))

    def tables(self) -> list[str]:
        """The names of the tables that there are."""
        tables = Tables.of(self.spark, self.config)
        return [table.name for table in TABLES if tables.exists(table)]

    def table(self, name: str) -> DataFrame:
        """The rows of a table.

        Raises:
            TableError: if there is no such table; names the job that writes it, or all tables.
        """
        named = [table for table in TABLES if table.name == name]
        if not named:
            raise TableError(
                f"there is no table {name}; those of {self.config.root} are: "
                f"{', '.join(self.tables())}"
            )
        return Tables.of(self.spark, self.config).read(named[0])

    def figures(self) -> list[str]:
        """The names of the report's figures."""
        folder = join(self.config.root, FIGURES)
        names = (file.name for file in files_at(self.spark, folder).list(folder))
        return [name.removesuffix(".png") for name in names if name.endswith(".png")]

    def figure(self, name: str) -> Figure:
        """A figure of the report, which a notebook shows.

        Raises:
            TableError: if there is no such figure; names those that there are.
        """
        if name not in (names := self.figures()):
            known = f"those are: {', '.join(names)}" if names else "call evaluate() first"
            raise TableError(f"there is no figure {name} of {self.config.root}; {known}")
        url = join(self.config.root, FIGURES, name)
        files = files_at(self.spark, url)
        return Figure(name, files.read(f"{url}.png"), files.read(f"{url}.svg").decode())

    @property
    def report(self) -> str:
        """Path or URL of the report's page."""
        return join(self.config.root, PAGE)

    def _run(self, stages: Sequence[Stage]) -> None:
        with self._working("pipeline"):
            wanted = wanted_stages(self.config, stages)
            run_stages(self.spark, plan_variants(self.config), wanted)

    @contextlib.contextmanager
    def _working(self, name: str) -> Iterator[None]:
        """Hold the root, and let the session's times be in UTC, while a job runs."""
        root, zone = self.config.root, "spark.sql.session.timeZone"
        with contextlib.ExitStack() as stack:
            if is_local(root):
                make_local_root(root)
                stack.enter_context(lock_root(root, name, alone=True))
            ensure_writable(self.spark, root)
            stack.callback(self.spark.conf.set, zone, self.spark.conf.get(zone) or "UTC")
            self.spark.conf.set(zone, "UTC")
            yield


def local_session(properties: Mapping[str, str] = types.MappingProxyType({})) -> SparkSession:
    """A Spark session on this machine with Delta, by conf/spark/local.conf.

    Args:
        properties: of Spark, in place of those, such as {"spark.driver.memory": "8g"}.
    """
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    values = read_properties(PROJECT / "conf" / "spark" / "local.conf")
    values["spark.driver.memory"] = "4g"
    values["spark.sql.warehouse.dir"] = f"{tempfile.gettempdir()}/mmdin-warehouse"
    values |= properties
    cores = max(2, os.cpu_count() or 2)  # two Horovod ranks run as two tasks at once
    builder = SparkSession.builder.master(f"local[{cores}]").appName("mmdin")
    for name, value in values.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _stages() -> tuple[Stage, ...]:
    stages: tuple[Stage, ...] = _module("pipeline").STAGES
    return stages


def _module(job: str) -> Any:
    # By its name: jobs use this library, and the library imports none of them.
    return importlib.import_module(f"spark_jobs.{job}")
