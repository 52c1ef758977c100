"""The pipeline at the size of the paper, stage by stage: five million ratings of a thousand movies.

    .venv/bin/python -m benchmarks.paper_scale FOLDER PICTURE [NAME=CHECKOUT ...]

MMDIN trains for one epoch of the paper's batches. Other checkouts of the project, each with its own
`.venv`, run on the same generated files, one after the other: PICTURE shows them side by side, the
one that measures as "now". What the jobs print is in FOLDER/<name>.log.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from benchmarks.usage import LAUNCHER, Usage, measure, stage_times
from mmdin.report.figures.canvas import Drawing, draw, save, style

PROJECT = LAUNCHER.parents[1]
MOVIES, RATINGS, RATINGS_PER_USER = 1000, 5_000_000, 38
WHOLE = "all"
UNITS = {"seconds": "seconds", "memory_gb": "most memory held, GB"}


def run(folder: Path, small: bool) -> dict[str, object]:
    """Ratings, and what the pipeline and each of its stages take."""
    ratings = 20_000 if small else RATINGS
    make_files(folder.resolve(), ratings)
    return {"ratings": ratings, **measure_checkout(folder.resolve(), "now", PROJECT)}


def make_files(folder: Path, ratings: int) -> None:
    """Generate ratings and posters under `folder`, unless they are there."""
    if not (folder / "movielens").exists():
        world = (f"users={ratings // RATINGS_PER_USER}", f"movies={MOVIES}", f"ratings={ratings}")
        settings = (*(f"world.{setting}" for setting in world), "world.bad_rows=false")
        _launch(PROJECT, folder, "world", "make_demo_data", *settings)


def measure_checkout(folder: Path, name: str, checkout: Path) -> dict[str, dict[str, float]]:
    """What the pipeline of a checkout takes on the files under `folder`, whole and by stage.

    Returns:
        By stage, and under "all": seconds, CPU seconds, and the most GB held at one time.
    """
    settings = ("training.models=mmdin", "training.epochs=1")
    usage = _launch(checkout, folder, name, "pipeline", *settings)
    log = folder / name / "logs" / "pipeline.log"
    stages = [(s.name, s.start, s.end) for s in stage_times(log.read_text())]
    return {
        stage: {
            "seconds": round(end - start, 1),
            "cpu_seconds": round(usage.cpu_between(start, end), 1),
            "memory_gb": round(usage.memory_between(start, end) / 1e9, 2),
        }
        for stage, start, end in [*stages, (WHOLE, usage.times[0], usage.times[-1])]
    }


def _launch(checkout: Path, folder: Path, name: str, job: str, *settings: str) -> Usage:
    places = (f"root={folder / name}", f"input.movielens={folder / 'movielens'}")
    command = [
        checkout / "submit" / "local.sh", job, "--conf", checkout / "conf" / "paper.yaml",
        "--set", *places, f"input.posters={folder / 'posters'}", *settings,
    ]  # fmt: skip
    # Python workers look for the project in their folder first, then in `.venv`.
    return measure(command, folder / f"{name}.log", {"PYTHONPATH": str(checkout)}, checkout)


def draw_stages(measured: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Drawing:
    """Bars of each stage's seconds and memory, one for each checkout."""
    numbers = pd.DataFrame(
        {"checkout": name, "stage": stage, **figures}
        for name, stages in measured.items()
        for stage, figures in stages.items()
    )
    stages = list(dict.fromkeys(numbers["stage"]))
    figure, panels = draw(10, 0.9 + 0.3 * len(stages) * len(measured), 1, 2, sharey=True)
    height = 0.8 / len(measured)
    for axes, (unit, title) in zip(panels, UNITS.items(), strict=True):
        for n, name in enumerate(measured):
            values = numbers[numbers["checkout"] == name].set_index("stage")[unit].reindex(stages)
            places = [
                place + (n - (len(measured) - 1) / 2) * height for place in range(len(stages))
            ]
            colour = "#0072B2" if n == len(measured) - 1 else "#9A9A9A"
            bars = axes.barh(places, values, height * 0.9, color=colour, label=name)
            axes.bar_label(bars, [f"{v:.0f}" if v >= 20 else f"{v:.1f}" for v in values], padding=3)
        axes.set_title(title)
        axes.set_yticks(range(len(stages)), stages)
        axes.margins(x=0.12)
    panels[0].invert_yaxis()
    panels[0].legend(loc="best")
    return Drawing(figure, numbers)


def main() -> None:
    """Measure this checkout and others, print the figures, and draw them."""
    folder, picture = (Path(argument).resolve() for argument in sys.argv[1:3])
    others = dict(argument.split("=", 1) for argument in sys.argv[3:])
    make_files(folder, RATINGS)
    measured = {
        name: measure_checkout(folder, name, Path(checkout).resolve())
        for name, checkout in {**others, "now": str(PROJECT)}.items()
    }
    print(json.dumps(measured, indent=2))
    with style():
        save(draw_stages(measured), picture.parent, picture.stem)


if __name__ == "__main__":
    main()
