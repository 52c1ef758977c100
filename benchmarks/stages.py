"""The pipeline on an invented world: time, CPU time and Spark jobs of each stage.

Spark's event log tells when a job was submitted, and the job's own log when a stage ended and how
long it took. What lies outside the stages is planning and the session.
"""

import bisect
import json
from pathlib import Path
from typing import Any

import yaml

from benchmarks.usage import LAUNCHER, measure, stage_times

PROJECT = LAUNCHER.parents[1]


def run(folder: Path, small: bool) -> dict[str, object]:
    """Of a pipeline, and of the same again with nothing to do: of all, and of each stage."""
    configuration = folder / "stages.yaml"
    configuration.write_text(yaml.safe_dump(_configuration(folder, small)))
    options = ["--conf", str(configuration)]
    made = folder / "make_demo_data.log"
    measure([str(LAUNCHER), "make_demo_data", *options], made)
    first = _measure_pipeline(folder, options, "first")
    again = _measure_pipeline(folder, options, "again")
    ratios = {
        figure: round(again[figure] / first[figure], 2)
        for figure in ("seconds", "cpu_seconds", "jobs")
    }
    return {"pipeline": first, "unchanged": again, "unchanged by pipeline": ratios}


def _configuration(folder: Path, small: bool) -> dict[str, object]:
    folder = folder.resolve()
    ratings, models, epochs = (20_000, ["mmdin"], 1) if small else (100_000, "all", 3)
    return {
        "root": f"{folder}/root",
        "input": {"movielens": f"{folder}/movielens", "posters": f"{folder}/posters"},
        "world": {"users": ratings // 140, "movies": 1000, "ratings": ratings},
        "training": {"models": models, "epochs": epochs, "batch_size": 256},
    }


def _measure_pipeline(folder: Path, options: list[str], name: str) -> dict[str, Any]:
    events, properties = folder / f"events-{name}", folder / f"{name}.conf"
    events.mkdir()
    settings = (
        (PROJECT / "conf" / "spark" / "local.conf").read_text(),
        "spark.eventLog.enabled true",
        "spark.eventLog.compress false",
        "spark.eventLog.rolling.enabled false",
        f"spark.eventLog.dir {events.resolve().as_uri()}",
        "",
    )
    properties.write_text("\n".join(settings))
    log = folder / "root" / "logs" / "pipeline.log"
    kept = len(log.read_text()) if log.exists() else 0
    environment = {"MMDIN_SPARK_PROPERTIES": str(properties.resolve())}
    command = [str(LAUNCHER), "pipeline", *options]
    usage = measure(command, folder / f"pipeline-{name}.log", environment)
    submitted = _submission_times(events)
    stages = {}
    for stage, start, end in stage_times(log.read_text()[kept:]):
        jobs = bisect.bisect(submitted, end) - bisect.bisect(submitted, start)
        cpu = round(usage.cpu_between(start, end), 1)
        stages[stage] = {"seconds": round(end - start, 1), "cpu_seconds": cpu, "jobs": jobs}
    return {
        "seconds": round(usage.seconds, 1),
        "cpu_seconds": round(usage.cpu, 1),
        "jobs": len(submitted),
        "stages": stages,
    }


def _submission_times(events: Path) -> list[float]:
    """When each Spark job was submitted, seconds since 1970, in order."""
    (file,) = events.iterdir()
    times = []
    for line in file.read_text(encoding="utf-8").splitlines():
        if "SparkListenerJobStart" in line:
            times.append(json.loads(line)["Submission Time"] / 1000)
    return sorted(times)
