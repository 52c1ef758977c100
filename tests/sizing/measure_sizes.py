"""Time, memory and disk that the whole pipeline takes, by the number of ratings, on this machine.

    .venv/bin/python tests/sizing/measure_sizes.py FOLDER MILLIONS [MILLIONS ...]

An invented world of a million ratings is made once under FOLDER. Larger ones are as many copies of
its ratings, each by users of its own: to make them anew would take as long as what is measured.
MMDIN trains for one epoch. What the jobs print stays in FOLDER/<millions>.log.
"""

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv

LAUNCHER = Path(__file__).resolve().parents[2] / "submit" / "local.sh"
USERS = 6500
WORLD = (
    f"world.users={USERS}",
    "world.movies=3900",
    "world.ratings=1000000",
    "world.bad_rows=false",
)
PIPELINE = ("training.models=mmdin", "training.epochs=1")
STAGE = re.compile(r"== (\w+): ([\d.]+) s")


def main(folder: Path, sizes: list[int]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "sizes.yaml"
    configuration.write_text(f"input:\n  posters: {folder.resolve()}/posters\n")
    made, root = folder / "world" / "movielens", folder / "world" / "root"
    launch(folder / "world.log", "make_demo_data", configuration, root, made, *WORLD)
    for millions in sizes:
        copies, root = folder / str(millions) / "movielens", folder / str(millions) / "root"
        repeat(made, copies, millions)
        log = folder / f"{millions}.log"
        seconds, memory = launch(log, "pipeline", configuration, root, copies, *PIPELINE)
        disk = sum(f.stat().st_size for f in root.rglob("*") if f.is_file())
        print(
            f"{millions} M ratings: {seconds:.0f} s, {memory / 1e9:.1f} GB of memory, "
            f"{disk / 1e9:.1f} GB of disk; by stage",
            *(f"{name} {took} s" for name, took in STAGE.findall(log.read_text())),
            flush=True,
        )


def repeat(made: Path, copies: Path, times: int) -> None:
    """Write the ratings of a world so many times over, each time by other users."""
    copies.mkdir(parents=True, exist_ok=True)
    for name in ("movies.csv", "links.csv"):
        shutil.copy(made / name, copies / name)
    ratings = pv.read_csv(made / "ratings.csv")
    with (copies / "ratings.csv").open("wb") as file:
        # By hand, since pyarrow puts names in quotes.
        file.write(f"{','.join(ratings.column_names)}\n".encode())
        for copy in range(times):
            users = pc.add(ratings["userId"], pa.scalar(copy * USERS))
            moved = ratings.set_column(0, "userId", users)
            pv.write_csv(moved, file, pv.WriteOptions(include_header=False))


def launch(
    log: Path, job: str, configuration: Path, root: Path, movielens: Path, *settings: str
) -> tuple[float, int]:
    """Run a job: the seconds it took, and the most bytes its processes held at one time."""
    places = (f"root={root.resolve()}", f"input.movielens={movielens.resolve()}")
    command = [LAUNCHER, job, "--conf", configuration, "--set", *places, *settings]
    began, most = time.monotonic(), 0
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    while process.poll() is None:
        most = max(most, memory_of(psutil.Process(process.pid)))
        time.sleep(2)
    if process.returncode:
        sys.exit(f"{job} failed: its output is in {log}")
    return time.monotonic() - began, most


def memory_of(process: psutil.Process) -> int:
    """Bytes that a process and those below it hold, what they share counted once."""
    held = 0
    for one in (process, *process.children(recursive=True)):
        try:
            held += one.memory_full_info().pss
        except psutil.Error:  # It has ended.
            continue
    return held


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(millions) for millions in sys.argv[2:]])
