"""Measure on this machine, print the figures, and keep them in benchmarks/results/.

    make bench                         every subject
    .venv/bin/python -m benchmarks.run [--small] [SUBJECT ...]

A file of results has the date and the machine in its name; what is measured again on the same day
replaces what was measured before. Figures of different machines, days or files cannot be
compared: compare the ratios, whose parts were measured side by side in one run. Nothing fails
because of a figure.
"""

import argparse
import concurrent.futures
import datetime
import importlib
import json
import multiprocessing
import os
import platform
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psutil

RESULTS = Path(__file__).with_name("results")
SUBJECTS = {
    "startup": "a session of Spark",
    "first_step": "from spark-submit to the first step of training",
    "step": "a step of training",
    "scaling": "two ranks against one",
    "posters": "ingestion of posters against decoding them",
    "score": "scoring in Spark against the network alone",
    "stages": "the pipeline's stages and their Spark jobs",
    "build_samples": "job build_samples against DuckDB",
    "recommend": "candidates and their scores against those of every pair",
    "sizes": "the pipeline by the number of ratings",
    "paper_scale": "the pipeline at the size of the paper, by stage",
}
"""Modules of this package, and what they measure. Each has run(folder, small)."""


def main() -> None:
    """Measure the subjects given, or all."""
    options = _parse()
    machine = describe_machine()
    path = RESULTS / f"{datetime.date.today()}-{_slug(machine)}.json"
    for subject in options.subjects or SUBJECTS:
        print(f"{subject}: {SUBJECTS[subject]}", flush=True)
        figures = _measure(subject, options.small)
        print(json.dumps(figures, indent=2), flush=True)
        keep(path, machine, subject, {"small": options.small, **figures})
    print(f"kept in {path}")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmarks.run",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=", ".join(SUBJECTS))
    parser.add_argument("--small", action="store_true", help="to see that it works, in minutes")
    options = parser.parse_args()
    if unknown := set(options.subjects) - set(SUBJECTS):
        parser.error(f"no subject {', '.join(unknown)}; there are {', '.join(SUBJECTS)}")
    return options


def _measure(subject: str, small: bool) -> dict[str, Any]:
    """Measure in a new process, because TensorFlow and Spark stay in one."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, context) as pool:
        return pool.submit(_run, subject, small).result()


def _run(subject: str, small: bool) -> dict[str, Any]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with tempfile.TemporaryDirectory(prefix=f"mmdin-{subject}-") as folder:
        module = importlib.import_module(f"benchmarks.{subject}")
        figures: dict[str, Any] = module.run(Path(folder), small)
        return figures


def describe_machine() -> dict[str, Any]:
    """What figures depend on apart from the code."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.machine()
    name = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return name[1].strip() if name else platform.machine()


def _slug(machine: dict[str, Any]) -> str:
    words = f"{machine['processor']} {machine['cores']} cores"
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def keep(path: Path, machine: dict[str, Any], subject: str, figures: dict[str, Any]) -> None:
    """Put a subject's figures into the file, with those of other subjects."""
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"subjects": {}}
    kept |= {"machine": machine}
    kept["subjects"][subject] = {"commit": _commit(), **figures}
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


def _commit() -> str:
    """The commit that was measured, with + after it if files have changed since."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"],
        cwd=RESULTS.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or "unknown"


if __name__ == "__main__":
    main()
