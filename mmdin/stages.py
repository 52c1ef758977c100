"""Running stages one after the other, except those that would change nothing."""

import datetime
import functools
import hashlib
import json
import logging
import operator
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from mmdin.code_digest import digest_module
from mmdin.config import Config, Part
from mmdin.connect import require_classic
from mmdin.report_files import check_report
from mmdin.schemas import Table, written_by
from mmdin.storage import files_at, is_on_local_disk, join, local_path
from mmdin.tables import Tables
from mmdin.variants import Plan

log = logging.getLogger(__name__)

_SMALL, _READ_AT_MOST = 64 << 10, 64 << 20
"""Bytes up to which a local file, and those of a folder, are compared by content and not by time:
copies keep times, and unpacking again changes them."""

State = dict[str, str]
"""What a stage depends on, or what it wrote: a description of each thing, by the thing's name."""


@dataclass(frozen=True)
class Stage:
    """A job, and all that its result depends on.

    Its code is that of spark_jobs.<name> and of everything that this imports. It writes the tables
    that mmdin.schemas declares for the job, and nobody else writes them.

    Attributes:
        name: of the job.
        run: its function. It is run for each set of samples if it writes tables of scope samples.
        part: the part of a pipeline that it belongs to.
        settings: keys of the configuration that it reads, sections or single ones.
        reads: tables that it reads.
        input_folders: keys of `input` whose folders it reads.
        output_folders: keys of `input` whose folders it writes.
        output_files: other files that it writes, by their paths under the root.
        output_root_folders: folders under the root to which it adds files; it runs again if some
            are gone.
        needs: a key of the configuration without which a pipeline leaves it out.
    """

    name: str
    run: Callable[[SparkSession, Plan], None]
    part: Part = "prepare"
    settings: tuple[str, ...] = ()
    reads: tuple[Table, ...] = ()
    input_folders: tuple[str, ...] = ()
    output_folders: tuple[str, ...] = ()
    output_files: tuple[str, ...] = ()
    output_root_folders: tuple[str, ...] = ()
    needs: str = ""

    @property
    def writes(self) -> tuple[Table, ...]:
        """The tables that it writes."""
        return written_by(self.name)

    @property
    def ingests(self) -> bool:
        """Whether it writes tables that another pipeline can share."""
        return any(table.scope == "shared" for table in self.writes)

    @property
    def writes_samples(self) -> bool:
        """Whether it writes tables of which there is one for each set of samples."""
        return any(table.scope == "samples" for table in self.writes)


@dataclass(frozen=True)
class _Record:
    """What is remembered of a stage that ended, in <root>/stages/<name>.json.

    Attributes:
        inputs: what it depended on when it started.
        outputs: the state of what it wrote when it ended.
    """

    inputs: State
    outputs: State


def run_pipeline(spark: SparkSession, plan: Plan, stages: Sequence[Stage]) -> None:
    """Run the stages of the configured part, without ingestion if tables are shared."""
    part = plan.config.part
    chosen = [s for s in wanted_stages(plan.config, stages) if part in ("all", s.part)]
    run_stages(spark, plan, chosen)


def wanted_stages(config: Config, stages: Sequence[Stage]) -> list[Stage]:
    """The stages without ingestion if tables are shared, and without those that need other keys."""
    is_shared = bool(config.input.tables)
    chosen = [s for s in stages if not s.needs or operator.attrgetter(s.needs)(config)]
    return [s for s in chosen if not (is_shared and s.ingests)]


def run_stages(spark: SparkSession, plan: Plan, stages: Sequence[Stage]) -> None:
    """Run each stage, unless nothing that it depends on and nothing that it wrote has changed.

    Logs for each its seconds and Spark jobs, and their sums if there are several.
    """
    require_classic(spark, "a pipeline counts and cancels its jobs through a SparkContext")
    for samples in plan.sample_sets():
        tables = Tables.of(spark, samples.config)
        for table in (table for stage in stages for table in stage.writes):
            tables.check_writable(table)
    root = plan.config.root
    check_report(files_at(spark, root), root, [stage.name for stage in stages])
    started, jobs_before = time.monotonic(), count_jobs(spark)
    for stage in stages:
        for narrowed in plan.sample_sets() if stage.writes_samples else [plan]:
            _run_if_changed(spark, narrowed, stage)
    if len(stages) > 1:
        seconds, jobs = time.monotonic() - started, count_jobs(spark) - jobs_before
        log.info("== all stages: %.1f s, %d Spark jobs", seconds, jobs)


def count_jobs(spark: SparkSession) -> int:
    """Spark jobs that this application has started so far."""
    return int(spark.sparkContext._jsc.sc().dagScheduler().numTotalJobs())


def _run_if_changed(spark: SparkSession, plan: Plan, stage: Stage) -> None:
    samples = plan.config.samples.name
    name = f"{stage.name}_{samples}" if stage.writes_samples and samples else stage.name
    tables = Tables.of(spark, plan.config)
    inputs = _describe_inputs(spark, plan, stage)
    outputs = _describe_outputs(tables, plan, stage)
    reason = _why_to_run(_read_record(spark, plan, name), inputs, outputs)
    if not reason:
        written = "; see ".join(
            ["", *(join(plan.config.root, path) for path in stage.output_files)]
        )
        log.info("== %s: unchanged, skipped%s", name, written)
        for table in stage.writes:
            tables.register(table)
        return
    log.info("== %s (%s)", name, reason)
    started, jobs_before = time.monotonic(), count_jobs(spark)
    stage.run(spark, plan)
    seconds, jobs = time.monotonic() - started, count_jobs(spark) - jobs_before
    log.info("== %s: %.1f s, %d Spark jobs", name, seconds, jobs)
    outputs = _describe_outputs(tables, plan, stage)
    _write_record(spark, plan, name, _Record(inputs, outputs), seconds, jobs)


def _why_to_run(record: _Record | None, inputs: State, outputs: State) -> str:
    """Why a stage must run; empty if it need not."""
    if record is None:
        return "not run yet"
    before, now = record.inputs | record.outputs, inputs | outputs
    changed = [name for name in before | now if before.get(name) != now.get(name)]
    return f"changed: {', '.join(changed)}" if changed else ""


def _describe_inputs(spark: SparkSession, plan: Plan, stage: Stage) -> State:
    config = plan.config
    state = {"code": _digest_code(stage.name), "seed": str(config.seed)}
    state |= {key: repr(operator.attrgetter(key)(config)) for key in stage.settings}
    state |= {
        f"input.{key}": _describe_folder(spark, getattr(config.input, key))
        for key in stage.input_folders
    }
    for samples in plan.sample_sets():
        tables = Tables.of(spark, samples.config)
        state |= {tables.label(table): tables.identity(table) for table in stage.reads}
    return state


def _describe_outputs(tables: Tables, plan: Plan, stage: Stage) -> State:
    state = {tables.label(table): tables.identity(table) for table in stage.writes}
    state |= {
        f"input.{key}": _describe_folder(tables.spark, getattr(plan.config.input, key))
        for key in stage.output_folders
    }
    state |= {
        path: _describe_file(tables.spark, join(plan.config.root, path))
        for path in stage.output_files
    }
    state |= {
        path: _describe_names(tables.spark, join(plan.config.root, path))
        for path in stage.output_root_folders
    }
    return state


@functools.cache
def _digest_code(stage: str) -> str:
    return digest_module(f"spark_jobs.{stage}")


def _describe_folder(spark: SparkSession, folder: str) -> str:
    """A folder's place, and a digest of its files, those of subfolders too."""
    if not folder:
        return "none"
    files = files_at(spark, folder)
    listed = files.list(folder, recursive=True)
    digest, left = hashlib.sha256(), _READ_AT_MOST
    on_disk = is_on_local_disk(spark, folder)
    for file in listed:
        content = ""
        if on_disk and file.size <= min(_SMALL, left):
            content, left = _digest_content(local_path(folder) / file.name), left - file.size
        described = (file.name, file.size, content or file.modified)
        digest.update(f"{described}\n".encode("utf-8", "surrogateescape"))
    place = local_path(folder).resolve() if on_disk else folder
    return f"{place}: {len(listed)} files, {digest.hexdigest()}"


def _describe_names(spark: SparkSession, folder: str) -> str:
    names = [file.name for file in files_at(spark, folder).list(folder, recursive=True)]
    return f"{len(names)} files, {hashlib.sha256(repr(names).encode()).hexdigest()}"


def _digest_content(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return "unreadable"


def _describe_file(spark: SparkSession, url: str) -> str:
    files = files_at(spark, url)
    return f"{files.size(url)} bytes" if files.exists(url) else "absent"


def _record_url(plan: Plan, name: str) -> str:
    return join(plan.config.root, "stages", f"{name}.json")


def _read_record(spark: SparkSession, plan: Plan, name: str) -> _Record | None:
    url = _record_url(plan, name)
    files = files_at(spark, url)
    if not files.exists(url):
        return None
    try:
        values: dict[str, Any] = json.loads(files.read(url))
        return _Record(dict(values["inputs"]), dict(values["outputs"]))
    except (ValueError, KeyError, TypeError):
        log.warning("== %s: %s is damaged, so the stage runs again", name, url)
        return None


def _write_record(
    spark: SparkSession, plan: Plan, name: str, record: _Record, seconds: float, jobs: int
) -> None:
    values = {
        "stage": name,
        "finished_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "spark_jobs": jobs,
        "inputs": record.inputs,
        "outputs": record.outputs,
    }
    url = _record_url(plan, name)
    files_at(spark, url).write(url, json.dumps(values, indent=2).encode())
