"""Time, memory and disk that the whole pipeline takes, by the number of ratings.

    .venv/bin/python -m benchmarks.sizes FOLDER RATINGS COPIES [COPIES ...]

An invented world of RATINGS ratings is written once under FOLDER. A larger one is COPIES copies of
its ratings, each by its own users: to invent it would take as long as what is measured. MMDIN
trains for one epoch. What the jobs print is in FOLDER/<copies>.log. The table in docs/cluster.md is
`FOLDER 1000000 1 5 25` with MMDIN_MEMORY=8g.
"""

import shutil
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv
import yaml

from benchmarks.usage import LAUNCHER, Usage, measure, stage_times

MOVIES, RATINGS_PER_USER = 3900, 154
PIPELINE = ("training.models=mmdin", "training.epochs=1")


def run(folder: Path, small: bool) -> dict[str, object]:
    """What 1 and 4 copies of a world take, and the second by the first."""
    ratings = 20_000 if small else 250_000
    few, many = measure_sizes(folder, ratings, [1, 4])
    return {
        "ratings": [few.pop("ratings"), many.pop("ratings")],
        "few": few,
        "many by few": {
            what: round(many[what] / few[what], 2) for what in few if few[what] and what in many
        },
    }


def measure_sizes(folder: Path, ratings: int, copies: list[int]) -> list[dict[str, float]]:
    """For each number of copies: ratings, seconds of all and of each stage, GB of memory and disk.

    Raises:
        CommandFailedError: A job failed.
    """
    folder = folder.resolve()
    configuration, made = make_world(folder, ratings)
    results = []
    for number in copies:
        movielens, root = folder / str(number) / "movielens", folder / str(number) / "root"
        repeat_ratings(made, movielens, number, ratings // RATINGS_PER_USER)
        printed = folder / f"{number}.log"
        usage = launch(printed, "pipeline", configuration, root, movielens, *PIPELINE)
        stages = stage_times((root / "logs" / "pipeline.log").read_text())
        disk = sum(f.stat().st_size for f in root.rglob("*") if f.is_file())
        results.append(
            {
                "ratings": ratings * number,
                "seconds": round(usage.seconds, 1),
                "cpu_seconds": round(usage.cpu, 1),
                "memory_gb": round(usage.memory / 1e9, 2),
                "disk_gb": round(disk / 1e9, 3),
                **{stage.name: round(stage.end - stage.start, 1) for stage in stages},
            }
        )
    return results


def make_world(folder: Path, ratings: int) -> tuple[Path, Path]:
    """Invent a world; returns the configuration that names its posters, and its ratings' folder."""
    folder.mkdir(parents=True, exist_ok=True)
    users = ratings // RATINGS_PER_USER
    configuration = folder / "sizes.yaml"
    world = {"users": users, "movies": MOVIES, "ratings": ratings, "bad_rows": False}
    given = {"world": world, "input": {"posters": f"{folder}/posters"}}
    configuration.write_text(yaml.safe_dump(given))
    made = folder / "world" / "movielens"
    launch(folder / "world.log", "make_demo_data", configuration, folder / "world/root", made)
    return configuration, made


def repeat_ratings(made: Path, copies: Path, times: int, users: int) -> None:
    """Write the ratings of a world `times` times, each time by other users."""
    copies.mkdir(parents=True, exist_ok=True)
    for name in ("movies.csv", "links.csv"):
        shutil.copy(made / name, copies / name)
    ratings = pv.read_csv(made / "ratings.csv")
    with (copies / "ratings.csv").open("wb") as file:
        # By hand, since pyarrow puts names in quotes.
        file.write(f"{','.join(ratings.column_names)}\n".encode())
        for copy in range(times):
            moved_users = pc.add(ratings["userId"], pa.scalar(copy * users))
            moved = ratings.set_column(0, "userId", moved_users)
            pv.write_csv(moved, file, pv.WriteOptions(include_header=False))


def launch(
    log: Path, job: str, configuration: Path, root: Path, movielens: Path, *settings: str
) -> Usage:
    """Run a job on this machine, and measure it."""
    places = (f"root={root}", f"input.movielens={movielens}")
    return measure([LAUNCHER, job, "--conf", configuration, "--set", *places, *settings], log)


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[2:]]
    for result in measure_sizes(Path(sys.argv[1]), numbers[0], numbers[1:]):
        print(result)
