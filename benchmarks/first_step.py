"""From spark-submit to a network's first step, by part, and from its last epoch to the end.

Job train prints and records when what happens. What the first epoch takes longer than the second is
tracing and, with XLA, compilation.
"""

import json
import re
import sys
import time
from pathlib import Path

from benchmarks.sizes import launch, make_world
from benchmarks.usage import measure, seconds_of

TIMED = re.compile(r"^(\S+ \S+) INFO (train: .*)$", re.MULTILINE)
NETWORKS = ("din", "mmdin")
STEPS = {"plain": "false", "compiled": "true"}
TOTAL = "to the first step"


def run(folder: Path, small: bool) -> dict[str, object]:
    """Seconds of each part by network and kind of step: the quickest of some runs."""
    folder = folder.resolve()
    configuration, movielens = make_world(folder, 20_000)
    root = folder / "root"
    for job in ("ingest_ratings", "ingest_posters", "build_samples"):
        launch(folder / f"{job}.log", job, configuration, root, movielens)
    figures: dict[str, object] = {"TensorFlow loaded alone": _seconds_to_load(folder)}
    for network in NETWORKS:
        for kind, xla in STEPS.items():
            runs = [
                measure_start(folder, configuration, network, xla, seed)
                for seed in range(1, 2 if small else 4)
            ]
            figures[f"{network}, {kind}"] = min(runs, key=lambda parts: parts[TOTAL])
    return figures


def _seconds_to_load(folder: Path) -> float:
    """Seconds in which a process loads TensorFlow, the least of two."""
    command = [sys.executable, "-c", "import tensorflow"]
    taken = [measure(command, folder / "load.log").seconds for _ in range(2)]
    return round(min(taken), 1)


def measure_start(
    folder: Path, configuration: Path, network: str, xla: str, seed: int
) -> dict[str, float]:
    """Seconds of each part of job train, on samples under `folder`/root."""
    root = folder / "root"
    log, before = root / "logs" / "train.log", set((root / "checkpoints").glob("*"))
    kept = len(log.read_text()) if log.exists() else 0
    settings = (f"training.models={network}", f"training.xla={xla}", f"training.seeds=[{seed}]")
    started = time.time()
    launch(
        folder / "train.log", "train", configuration, root, folder / "world" / "movielens",
        *settings, "training.epochs=2", "training.batch_size=256",
    )  # fmt: skip
    ended = time.time()
    times = {message: seconds_of(at) for at, message in TIMED.findall(log.read_text()[kept:])}
    session = next(t for m, t in times.items() if m.startswith("train: configuration"))
    planned = next(t for m, t in times.items() if m.startswith("train: 1 runs"))
    (checkpoint,) = set((root / "checkpoints").glob("*")) - before
    result = json.loads((checkpoint / "result.json").read_text())
    first, second = (epoch["seconds"] for epoch in result["epochs"])
    parts = {
        "launcher, JVM, Python": session - started,
        "session, tables": planned - session,
        "ranks, TensorFlow, network": result["started_at"] - planned,
        "tracing, compilation": first - second,
        TOTAL: result["started_at"] + first - second - started,
        "after the last epoch": ended - result["ended_at"],
    }
    return {name: round(seconds, 1) for name, seconds in parts.items()}
